"""Where the dashboard's figures come from: every question it asks a warehouse, declared once.

Belongs here: what is asked for all time and for a period, and which tables the answer comes from. A source that
several panels share is asked once. This module asks nothing and loads nothing that draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from si_analytics.compute import facts, funnels, metrics
from si_analytics.definitions import Project, Query, project

if TYPE_CHECKING:
    from si_analytics.query.warehouse import Warehouse

Ask = Callable[["Warehouse"], Any]
AskWithin = Callable[["Warehouse", datetime, datetime], Any]
Tables = Callable[[], Iterable[str]]

_BY_ID = frozenset({"agent", "template"})  # nobody reads a picture with one row per id
_DAYS_DRAWN = "last 365 days"


@dataclass(frozen=True, kw_only=True)
class PanelData:
    """One question: ``ask`` asks it for all time, ``within`` for a window (from, until); either may be missing.

    With ``before`` the window is the one before the chosen period. The answer is one frame, frames by subject,
    or None; the page receives it as ``name``. ``tables`` names the tables it comes from, as ``schema.table``;
    ``metric`` is the metric whose meaning the page then explains.
    """

    name: str
    tables: Tables
    ask: Ask | None = None
    within: AskWithin | None = None
    before: bool = False
    metric: str = ""


def stored(metric: str, within: AskWithin | None = None) -> PanelData:
    """A metric as the refresh stored it; with `within` also computed anew, from the raw tables, for a period."""
    return PanelData(
        name=metric,
        metric=metric,
        ask=lambda warehouse: warehouse.metric(metric),
        within=within,
        tables=lambda: {f"metrics.{metric}", *(_raw(metric) if within else ())},
    )


def drawn_from(sources: Iterable[PanelData]) -> tuple[str, ...]:
    """Every table that an answer of these comes from, as ``schema.table``, by name."""
    return tuple(sorted({table for source in sources for table in source.tables()}))


def _raw(metric: str) -> set[str]:
    """The marketplace tables that a metric is computed from, directly or through other metrics."""
    found: set[str] = set()
    waiting = {metric}
    while waiting:
        inputs = metrics.inputs(waiting.pop())
        found |= {table for table in facts.sources(inputs) if table.startswith("raw.")}
        waiting |= {table.removeprefix("metrics.") for table in inputs if table.startswith("metrics.")}
    return found


def _inputs(asked: Callable[[Project], Query]) -> Tables:
    """The tables that a query reads, looked up when needed."""
    return lambda: asked(project()).inputs


def _breakdowns() -> list[tuple[str, str]]:
    return [(name, by) for name in funnels.names() for by in funnels.breakdowns(name) if by not in _BY_ID]


def _split_within(warehouse: Warehouse, since: datetime, until: datetime) -> dict[tuple[str, str], pl.DataFrame]:
    return {
        (each, by): warehouse.funnel(each, by=by, since=since, until=until)
        for each, by in _breakdowns()
        if by != "month"
    }


def _boards_kept(warehouse: Warehouse) -> pl.DataFrame | None:
    """The boards of past days; None without a second day to draw a line to."""
    kept = warehouse.history(during=_DAYS_DRAWN)
    return kept if kept["as_of_date"].n_unique() > 1 else None


def _left_out(warehouse: Warehouse) -> pl.DataFrame:
    check = _other_currencies(project())
    return warehouse.sql(check.text, as_of=warehouse.as_of, currency=warehouse.currency)


def _other_currencies(ours: Project) -> Query:
    return ours.checks["other_currencies"]


def _tables_read(warehouse: Warehouse) -> pl.DataFrame:
    return warehouse.sql(
        "select table_name, rows, inserted, updated, deleted, mode from meta.extracts"
        " where refresh_id = $refresh_id order by table_name",
        refresh_id=warehouse.refresh_id,
    )


AGENT_LEADERBOARD = stored(
    "agent_leaderboard", lambda warehouse, since, until: warehouse.agent_leaderboard(since, until)
)
AGENTS_BEFORE = PanelData(
    name="agents_before",
    within=lambda warehouse, since, until: warehouse.agent_leaderboard(since, until),
    before=True,
    tables=lambda: _raw("agent_leaderboard"),
)
AGENT_PERFORMANCE = stored("agent_performance_metrics")
BRAND_REPUTATIONS = stored("brand_reputations")
CONVERSION_FUNNELS = stored(
    "conversion_funnels",
    lambda warehouse, since, until: pl.concat(
        warehouse.funnel(each, since=since, until=until) for each in funnels.names()
    ),
)
INVITES_BEFORE = PanelData(
    name="funnels_before",
    within=lambda warehouse, since, until: warehouse.funnel("invite", since=since, until=until),
    before=True,
    tables=lambda: _raw("conversion_funnels"),
)
FUNNELS_SPLIT = PanelData(
    name="funnels_by_breakdown",
    ask=lambda warehouse: {(name, by): warehouse.funnel(name, by=by) for name, by in _breakdowns()},
    within=_split_within,
    tables=lambda: _raw("conversion_funnels") | set(facts.sources(funnels.grouped_by(_breakdowns()))),
)
TIMES_TO_CONVERT = PanelData(
    name="times_to_convert",
    ask=lambda warehouse: {name: warehouse.time_to_convert(name, funnels.stages(name)[-1]) for name in funnels.names()},
    tables=lambda: _raw("conversion_funnels"),
)
TEMPLATE_EXPERIMENTS = stored("template_experiments")
MARKETPLACE_MONTHLY = stored("marketplace_monthly")
SIGNUP_COHORTS = stored("signup_cohorts")
ACTIVITY = PanelData(
    name="activity",
    within=lambda warehouse, since, until: warehouse.marketplace_activity(since, until),
    tables=_inputs(lambda ours: ours.queries.marketplace_activity),
)
ACTIVITY_BEFORE = PanelData(
    name="activity_before",
    within=lambda warehouse, since, until: warehouse.marketplace_activity(since, until),
    before=True,
    tables=_inputs(lambda ours: ours.queries.marketplace_activity),
)
BOARDS_KEPT = PanelData(name="history", ask=_boards_kept, tables=_inputs(lambda ours: ours.queries.boards_kept))
CHECKS = PanelData(
    name="warnings", ask=lambda warehouse: warehouse.checks().rename({"check_name": "check"}), tables=tuple
)
LEFT_OUT = PanelData(name="left_out", ask=_left_out, tables=_inputs(_other_currencies))
TABLES_READ = PanelData(name="sources", ask=_tables_read, tables=tuple)
FRESHNESS = PanelData(
    name="freshness",
    ask=lambda warehouse: warehouse.freshness(),
    tables=_inputs(lambda ours: ours.queries.newest_event),
)
