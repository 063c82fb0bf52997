"""What a dashboard shows: frames of the warehouse, and where they come from.

Belongs here: the one argument of `render`, checked once when it is made. Opens no warehouse and
reads no clock: whoever exports hands everything in. May import: `charts` (for the columns it
reads), `display`, `errors`, `windows`.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from si_analytics import display, windows
from si_analytics.charts.agents import LEADERBOARD_COLUMNS, PERFORMANCE_COLUMNS
from si_analytics.charts.brands import BRAND_COLUMNS
from si_analytics.charts.funnels import FUNNEL_COLUMNS, WHOLE
from si_analytics.charts.growth import MONTHLY_COLUMNS
from si_analytics.errors import UsageError

WARNING_COLUMNS = ("check", "severity", "rows", "summary")
_ASKED = "the dashboard"


def _no_warnings() -> pl.DataFrame:
    return pl.DataFrame(schema={"check": pl.String, "severity": pl.String, "rows": pl.Int64, "summary": pl.String})


@dataclass(frozen=True, kw_only=True, eq=False)
class DashboardContent:
    """Everything one dashboard shows, each frame with exactly the warehouse's columns.

    ``agent_leaderboard`` and ``agent_performance_metrics`` hold the same agents; the first may be
    ranked against a window, its movements are shown then. ``conversion_funnels`` is not broken
    down; ``funnels_by_breakdown`` holds further frames under ``(funnel, breakdown)``. ``warnings``
    has a row per check that ran, with the number of rows it found. ``as_of``, ``snapshot`` and
    ``refresh_id`` are printed on every page; ``definitions`` says in a sentence what each metric means.
    """

    agent_leaderboard: pl.DataFrame
    agent_performance_metrics: pl.DataFrame
    brand_reputations: pl.DataFrame
    conversion_funnels: pl.DataFrame
    as_of: datetime
    refresh_id: str
    snapshot: str
    currency: str = "usd"
    timezone: str = "UTC"
    definitions: Mapping[str, str] = field(default_factory=dict)
    warnings: pl.DataFrame = field(default_factory=_no_warnings)
    funnels_by_breakdown: Mapping[tuple[str, str], pl.DataFrame] = field(default_factory=dict)
    marketplace_monthly: pl.DataFrame | None = None
    title: str = "Marketplace report"

    def __post_init__(self) -> None:
        """Refuses what could not be shown truthfully, before anything is drawn."""
        if self.as_of.tzinfo is None:
            raise UsageError(_ASKED, f"as_of {self.as_of.isoformat()} has no time zone", "Give an aware datetime")
        windows.zone(self.timezone)
        display.require(self.agent_leaderboard, (*LEADERBOARD_COLUMNS,), f"{_ASKED}'s agent_leaderboard")
        display.require(self.agent_performance_metrics, PERFORMANCE_COLUMNS, f"{_ASKED}'s agent_performance_metrics")
        display.require(self.brand_reputations, BRAND_COLUMNS, f"{_ASKED}'s brand_reputations")
        display.require(self.conversion_funnels, FUNNEL_COLUMNS, f"{_ASKED}'s conversion_funnels")
        display.require(self.warnings, WARNING_COLUMNS, f"{_ASKED}'s warnings")
        if self.marketplace_monthly is not None:
            display.require(self.marketplace_monthly, MONTHLY_COLUMNS, f"{_ASKED}'s marketplace_monthly")
        self._check_agents()
        self._check_funnels()

    def _check_agents(self) -> None:
        ranked = self.agent_leaderboard["agent_id"].to_list()
        measured = self.agent_performance_metrics["user_id"].to_list()
        if len(set(ranked)) != len(ranked) or sorted(ranked) != sorted(measured):
            raise UsageError(
                _ASKED,
                f"the leaderboard has {display.plural(len(ranked), 'agent')} and the performance metrics "
                f"{display.plural(len(measured), 'agent')}, not the same ones once each",
                "Take both frames from one refresh",
            )

    def _check_funnels(self) -> None:
        if not self.conversion_funnels.filter(pl.col("breakdown") != WHOLE).is_empty():
            raise UsageError(
                f"{_ASKED}'s conversion_funnels", "it is broken down", "Put such frames into funnels_by_breakdown"
            )
        for (funnel, breakdown), frame in self.funnels_by_breakdown.items():
            asked = f"{_ASKED}'s {funnel} funnel by {breakdown}"
            display.require(frame, FUNNEL_COLUMNS, asked)
            found = set(frame.select("funnel", "breakdown").iter_rows())
            if found - {(funnel, breakdown)}:
                raise UsageError(asked, "the frame holds another funnel or breakdown", "Key each frame by its own two")

    @property
    def as_of_utc(self) -> datetime:
        """The moment described, in UTC."""
        return self.as_of.astimezone(UTC)

    @property
    def as_of_local(self) -> datetime:
        """The moment described, in the reporting time zone."""
        return self.as_of.astimezone(zoneinfo.ZoneInfo(self.timezone))

    @property
    def sorted_breakdowns(self) -> tuple[tuple[str, str], ...]:
        """The keys of `funnels_by_breakdown`, in one order whatever order they were given in."""
        return tuple(sorted(self.funnels_by_breakdown))
