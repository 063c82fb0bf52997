"""The few numbers of a metric that people follow over time, and the chart they look at first.

Belongs here: taking them from a computed table, as metadata that Dagster plots from run to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import duckdb

PREFIX = "headline: "
"""The prefix of headline numbers among a materialisation's metadata."""

METRICS = ("agent_leaderboard", "conversion_funnels", "marketplace_monthly")

_CHARTS = {
    "agent_leaderboard": (("agent_name",), "total_earnings", "rank"),
    "agent_performance_metrics": (("user_id",), "performance_score", "performance_score desc, user_id"),
    "conversion_funnels": (("funnel", "stage"), "reached", "funnel, stage_number"),
    "marketplace_monthly": (("month",), "completed_deals", "month desc"),
}
_MOST_BARS = {"conversion_funnels": 40}
_BARS = 12
_WIDTH = 24


def of(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, int | float]:
    """The headline numbers of a computed metric; leaves out unknown ones instead of writing zero."""
    table = connection.table(f"metrics.{name}") if name in METRICS else None
    if table is None:
        return {}
    if name == "agent_leaderboard":
        found = _first(
            table.aggregate("count(*) as agents, sum(total_earnings) as earnings, sum(total_deals) as deals")
        )
        named = dict(zip(("agents", "total earnings", "deals of recruits"), found, strict=True))
    elif name == "marketplace_monthly":
        found = _first(table.aggregate("sum(gmv) as gmv, sum(completed_deals) as completed"))
        named = dict(zip(("gmv", "completed deals"), found, strict=True))
    else:
        ends = table.aggregate("funnel, arg_max_null(conversion_from_start, stage_number) as rate", "funnel")
        named = {f"{funnel} conversion": rate for funnel, rate in ends.order("funnel").fetchall()}
    return {PREFIX + label: _number(value) for label, value in named.items() if value is not None}


def chart(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[list[str], list[tuple[Any, ...]]] | None:
    """The columns and rows of a table whose last cell is a bar; None if the metric has no such chart."""
    if name not in _CHARTS:
        return None
    labels, value, order = _CHARTS[name]
    table = connection.table(f"metrics.{name}")
    if not {*labels, value} <= set(table.columns):
        return None
    columns = [duckdb.ColumnExpression(column) for column in (*labels, value)]
    rows = table.order(order).limit(_MOST_BARS.get(name, _BARS)).select(*columns).fetchall()
    return [*labels, value, "bar"], [
        (*row, bar) for row, bar in zip(rows, bars([row[-1] for row in rows]), strict=True)
    ]


def bars(values: Sequence[Any]) -> list[str]:
    """A bar for each value, in proportion to the largest; empty for values unknown or not above zero."""
    largest = max((value for value in values if value is not None), default=0)
    return [
        "█" * max(1, round(_WIDTH * float(value / largest))) if value is not None and value > 0 else ""
        for value in values
    ]


def _first(relation: duckdb.DuckDBPyRelation) -> tuple[Any, ...]:
    row = relation.fetchone()
    assert row is not None  # an aggregate without groups has one row
    return tuple(row)


def _number(value: Any) -> int | float:
    """A number that Dagster can plot: exact sums stay in the warehouse, a plot may use a float."""
    return float(value) if isinstance(value, Decimal | float) else int(value)
