"""Charts of the warehouse's frames, as Plotly figures.

Belongs here: one function per picture. A chart takes a polars DataFrame with the warehouse's own
columns and gives a figure; it reads no file, no clock and no warehouse. `save` alone writes one.
May import: `display`, `errors`.

>>> import si_analytics as si
>>> si.charts.leaderboard(warehouse.agent_leaderboard())        # doctest: +SKIP
"""

from __future__ import annotations

from si_analytics.charts.agents import leaderboard, performance, standings
from si_analytics.charts.brands import brand_reputation
from si_analytics.charts.experiments import experiments
from si_analytics.charts.funnels import funnel, funnel_by
from si_analytics.charts.growth import monthly
from si_analytics.charts.overtime import cohorts, earnings
from si_analytics.charts.saving import save
from si_analytics.charts.times import time_to_convert

__all__ = [
    "brand_reputation",
    "cohorts",
    "earnings",
    "experiments",
    "funnel",
    "funnel_by",
    "leaderboard",
    "monthly",
    "performance",
    "save",
    "standings",
    "time_to_convert",
]
