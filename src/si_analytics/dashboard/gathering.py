"""What a dashboard shows, asked of a published warehouse.

Belongs here: the questions a dashboard puts to a warehouse, each one a reader could put as well. May import:
`reader`, `definitions`, `funnels`, `sql`, `windows`, and this package's `content`.
"""

from __future__ import annotations

import polars as pl

from si_analytics import definitions, funnels, sql, windows
from si_analytics.dashboard.content import DashboardContent, Period
from si_analytics.reader import Warehouse

PERIODS = ("last 30 days", "last 90 days", "last 365 days")
"""What readers may choose besides all time: whole days in the reporting time zone, before the day of as_of."""

_DEFINED = (
    *("agent_leaderboard", "agent_performance_metrics", "brand_reputations", "conversion_funnels"),
    *("marketplace_monthly", "signup_cohorts", "template_experiments"),
)
_BY_ID = frozenset({"agent", "template"})  # one row per id is no picture anybody reads
_DAYS_DRAWN = "last 365 days"


def gather(warehouse: Warehouse) -> DashboardContent:
    """Everything a dashboard of `warehouse` shows; the file reads nothing afterwards."""
    return DashboardContent(
        agent_leaderboard=warehouse.agent_leaderboard(),
        agent_performance_metrics=warehouse.agent_performance_metrics(),
        brand_reputations=warehouse.brand_reputations(),
        conversion_funnels=warehouse.metric("conversion_funnels"),
        marketplace_monthly=warehouse.marketplace_monthly(),
        signup_cohorts=warehouse.signup_cohorts(),
        template_experiments=warehouse.template_experiments(),
        history=_boards_kept(warehouse),
        times_to_convert={name: warehouse.time_to_convert(name, funnels.stages(name)[-1]) for name in funnels.names()},
        funnels_by_breakdown={(name, by): warehouse.funnel(name, by=by) for name, by in _breakdowns()},
        periods=tuple(_period(warehouse, name) for name in PERIODS),
        warnings=warehouse.checks().rename({"check_name": "check"}),
        left_out=_left_out(warehouse),
        sources=_sources(warehouse),
        freshness=warehouse.freshness(),
        definitions={name: definitions.of(name).summary for name in _DEFINED},
        meanings={
            name: [(column.name, column.unit, column.meaning) for column in definitions.of(name).columns]
            for name in _DEFINED
        },
        as_of=warehouse.as_of,
        refresh_id=warehouse.refresh_id,
        snapshot=warehouse.snapshot,
        currency=warehouse.currency,
        timezone=warehouse.timezone,
    )


def _breakdowns() -> list[tuple[str, str]]:
    return [(name, by) for name in funnels.names() for by in funnels.breakdowns(name) if by not in _BY_ID]


def _period(warehouse: Warehouse, name: str) -> Period:
    since, until = windows.span(name, warehouse.as_of, warehouse.timezone)
    before = since - (until - since)
    return Period(
        name=name,
        since=since,
        until=until,
        agent_leaderboard=warehouse.agent_leaderboard(since, until),
        agents_before=warehouse.agent_leaderboard(before, since),
        activity=warehouse.marketplace_activity(since, until),
        activity_before=warehouse.marketplace_activity(before, since),
        conversion_funnels=pl.concat(warehouse.funnel(each, since=since, until=until) for each in funnels.names()),
        funnels_before=warehouse.funnel("invite", since=before, until=since),
        funnels_by_breakdown={
            (each, by): warehouse.funnel(each, by=by, since=since, until=until)
            for each, by in _breakdowns()
            if by != "month"
        },
    )


def _boards_kept(warehouse: Warehouse) -> pl.DataFrame | None:
    """The boards of days gone by; none where there is no second day to draw a line to."""
    kept = warehouse.history(during=_DAYS_DRAWN)
    return kept if kept["as_of_date"].n_unique() > 1 else None


def _left_out(warehouse: Warehouse) -> pl.DataFrame:
    check = sql.read("checks", "other_currencies")
    return warehouse.sql(check.text, as_of=warehouse.as_of, currency=warehouse.currency)


def _sources(warehouse: Warehouse) -> pl.DataFrame:
    return warehouse.sql(
        "select table_name, rows, inserted, updated, deleted, mode from meta.extracts"
        " where refresh_id = $refresh_id order by table_name",
        refresh_id=warehouse.refresh_id,
    )
