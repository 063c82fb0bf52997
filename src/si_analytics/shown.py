"""What the dashboard shows of a warehouse, and so which tables it is drawn from.

Belongs here: the metrics on the page, which `dashboard.gather` asks for by this list; no warehouse is read, and
nothing that draws is loaded. May import: `metrics`, `sql`.
"""

from __future__ import annotations

from si_analytics import metrics, sql

METRICS = (
    *("agent_leaderboard", "agent_performance_metrics", "brand_reputations", "conversion_funnels"),
    *("marketplace_monthly", "signup_cohorts", "template_experiments"),
)
"""The metrics that a page shows whole, as the refresh stored them."""

ANEW = ("agent_leaderboard", "conversion_funnels")
"""Those it shows of other windows too, computed anew from the raw tables."""

_OTHERS = (("queries", "boards_kept"), ("queries", "marketplace_activity"), ("checks", "other_currencies"))


def tables() -> tuple[str, ...]:
    """Every table, as ``schema.table``, that a number on the page is taken from, by name."""
    found, waiting = {f"metrics.{name}" for name in METRICS}, set(ANEW)
    while waiting:
        inputs = metrics.inputs(waiting.pop())
        found |= {table for table in inputs if table.startswith("raw.")}
        waiting |= {table.removeprefix("metrics.") for table in inputs if table.startswith("metrics.")}
    found |= {table for folder, name in _OTHERS for table in sql.read(folder, name).listed("Inputs")}
    return tuple(sorted(found))
