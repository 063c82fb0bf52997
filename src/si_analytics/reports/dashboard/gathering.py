"""Asks a published warehouse for everything a dashboard shows.

Belongs here: asking the questions that panels and tiles declare, each once for all time and once for each period.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from si_analytics.definitions import project
from si_analytics.errors import UsageError
from si_analytics.periods import windows
from si_analytics.query.warehouse import Warehouse
from si_analytics.reports.dashboard import sources
from si_analytics.reports.dashboard.content import DashboardContent, Period
from si_analytics.reports.dashboard.kpis import TILES, Tile
from si_analytics.reports.dashboard.panel import Panel
from si_analytics.reports.dashboard.panels import PANELS
from si_analytics.reports.dashboard.sources import PanelData, drawn_from

_ALWAYS = (
    *(sources.AGENT_LEADERBOARD, sources.AGENT_PERFORMANCE, sources.BRAND_REPUTATIONS, sources.CONVERSION_FUNNELS),
    *(sources.AGENTS_BEFORE, sources.INVITES_BEFORE, sources.FRESHNESS),
)
"""What the page itself shows: the number of agents and brands, their names, the age of the newest event."""

PERIODS = ("last 30 days", "last 90 days", "last 365 days")
"""What readers can choose besides all time: whole days in the reporting time zone, before the day of as_of."""


def gather(
    warehouse: Warehouse, *, panels: Sequence[Panel] = PANELS, tiles: Sequence[Tile] = TILES
) -> DashboardContent:
    """Everything a dashboard of `warehouse` shows; the file reads nothing afterwards."""
    asked = _sources(panels, tiles)
    brought = {source.name: source.ask(warehouse) for source in asked if source.ask}
    declared = project().computed
    explained = [source.metric for source in asked if source.metric]
    return DashboardContent(
        **_fields(DashboardContent, brought),
        periods=tuple(_period(warehouse, asked, name) for name in PERIODS),
        definitions={name: declared[name].summary for name in explained},
        meanings={
            name: [(column.name, column.unit, column.meaning) for column in declared[name].columns]
            for name in explained
        },
        as_of=warehouse.as_of,
        refresh_id=warehouse.refresh_id,
        snapshot=warehouse.snapshot,
        currency=warehouse.currency,
        timezone=warehouse.timezone,
    )


def reads(*, panels: Sequence[Panel] = PANELS, tiles: Sequence[Tile] = TILES) -> tuple[str, ...]:
    """Every warehouse table that a number on the page comes from, as ``schema.table``, by name.

    >>> dashboard.reads()   # doctest: +SKIP
    ('history.agent_leaderboard', 'metrics.agent_leaderboard', 'metrics.agent_performance_metrics', ...)
    """
    return drawn_from(_sources(panels, tiles))


def _sources(panels: Sequence[Panel], tiles: Sequence[Tile]) -> tuple[PanelData, ...]:
    """Each source once, however many panels and tiles use it, in their order."""
    listed = (_ALWAYS, *(panel.sources for panel in panels), *(tile.sources for tile in tiles))
    return tuple(dict.fromkeys(source for each in listed for source in each))


def _period(warehouse: Warehouse, declared: Sequence[PanelData], name: str) -> Period:
    calendar = warehouse.settings.calendar
    asked = windows.window(warehouse.as_of, tz=warehouse.timezone, during=name, calendar=calendar)
    earlier = windows.before(asked, warehouse.timezone)
    if asked.since is None or earlier is None or earlier.since is None:
        raise UsageError(f"the dashboard's {name}", "there is no time before them", "Describe a later moment")
    of_period, of_before = (asked.since, asked.until), (earlier.since, earlier.until)
    brought = {
        source.name: source.within(warehouse, *(of_before if source.before else of_period))
        for source in declared
        if source.within
    }
    return Period(name=name, since=asked.since, until=asked.until, **_fields(Period, brought))


def _fields(of: type[DashboardContent | Period], brought: Mapping[str, Any]) -> dict[str, Any]:
    """Puts frames into the field named like their source, and all others into ``more``."""
    own = of.own()
    return {
        **{name: frame for name, frame in brought.items() if name in own},
        "more": {name: frame for name, frame in brought.items() if name not in own},
    }
