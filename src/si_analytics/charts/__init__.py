"""Charts of the warehouse's frames, as Plotly figures.

Belongs here: one function per picture. A chart takes a polars DataFrame with the warehouse's own
columns and returns a figure; it reads no file, no clock and no warehouse. Only `save` writes a file.

>>> import si_analytics as si
>>> si.charts.leaderboard(warehouse.agent_leaderboard())        # doctest: +SKIP
"""

from __future__ import annotations

from si_analytics import arguments
from si_analytics.charts import agents as _agents
from si_analytics.charts import brands as _brands
from si_analytics.charts import experiments as _experiments
from si_analytics.charts import funnels as _funnels
from si_analytics.charts import growth as _growth
from si_analytics.charts import measures as _measures
from si_analytics.charts import overtime as _overtime
from si_analytics.charts import saving as _saving
from si_analytics.charts import times as _times

__all__ = [
    "brand_reputation",
    "cohorts",
    "earnings",
    "experiments",
    "funnel",
    "funnel_by",
    "leaderboard",
    "measure",
    "monthly",
    "performance",
    "save",
    "standings",
    "time_to_convert",
]

brand_reputation = arguments.checked(_brands.brand_reputation)
cohorts = arguments.checked(_overtime.cohorts)
earnings = arguments.checked(_overtime.earnings)
experiments = arguments.checked(_experiments.experiments)
funnel = arguments.checked(_funnels.funnel)
funnel_by = arguments.checked(_funnels.funnel_by)
leaderboard = arguments.checked(_agents.leaderboard)
measure = arguments.checked(_measures.measure)
monthly = arguments.checked(_growth.monthly)
performance = arguments.checked(_agents.performance)
save = arguments.checked(_saving.save)
standings = arguments.checked(_agents.standings)
time_to_convert = arguments.checked(_times.time_to_convert)
