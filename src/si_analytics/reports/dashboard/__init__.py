"""The dashboard: one HTML file that opens from disk, works offline and shows what the warehouse holds.

Belongs here: the page and what is on it. `gather` asks a warehouse; the page itself opens none.
`DashboardContent` brings the frames and says where they come from.

>>> from si_analytics import dashboard
>>> dashboard.write(dashboard.DashboardContent(agent_leaderboard=board, ...), "dashboard.html")   # doctest: +SKIP
"""

from __future__ import annotations

from si_analytics.reports.dashboard.content import DashboardContent, Period
from si_analytics.reports.dashboard.gathering import gather, reads
from si_analytics.reports.dashboard.page import render, write

__all__ = ["DashboardContent", "Period", "gather", "reads", "render", "write"]
