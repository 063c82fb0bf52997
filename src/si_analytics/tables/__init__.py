"""The warehouse's frames as tables for people, made with great_tables.

Belongs here: one function per table. A table takes a polars DataFrame of the warehouse and returns a great_tables
GT; headings say units, and money keeps every digit.

>>> import si_analytics as si
>>> si.tables.leaderboard(warehouse.agent_leaderboard())        # doctest: +SKIP
"""

from __future__ import annotations

from si_analytics.tables.measures import measure
from si_analytics.tables.metrics import brands, funnel, leaderboard, performance

__all__ = ["brands", "funnel", "leaderboard", "measure", "performance"]
