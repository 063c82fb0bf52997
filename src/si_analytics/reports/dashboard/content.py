"""What a dashboard shows: frames of the warehouse, and where they come from.

Belongs here: the one argument of `render`, checked once when it is made. Opens no warehouse and
reads no clock: the caller passes everything in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

import polars as pl

from si_analytics import formatting
from si_analytics.charts.agents import LEADERBOARD_COLUMNS, PERFORMANCE_COLUMNS
from si_analytics.charts.brands import BRAND_COLUMNS
from si_analytics.charts.experiments import EXPERIMENT_COLUMNS
from si_analytics.charts.funnels import FUNNEL_COLUMNS, WHOLE
from si_analytics.charts.growth import MONTHLY_COLUMNS
from si_analytics.charts.overtime import COHORT_COLUMNS, HISTORY_COLUMNS
from si_analytics.charts.times import TIME_COLUMNS
from si_analytics.errors import UsageError
from si_analytics.periods import windows
from si_analytics.query.freshness import Freshness

MOVEMENT_COLUMNS = ("previous_rank", "rank_change")
ACTIVITY_COLUMNS = ("new_deals", "gmv", "net_revenue")
LEFT_OUT_COLUMNS = ("currency", "transactions", "total_amount")
SOURCE_COLUMNS = ("table_name", "rows", "inserted", "updated", "deleted", "mode")
WARNING_COLUMNS = ("check", "severity", "rows", "summary")
_ASKED = "the dashboard"


def _no_warnings() -> pl.DataFrame:
    return pl.DataFrame(schema={"check": pl.String, "severity": pl.String, "rows": pl.Int64, "summary": pl.String})


@dataclass(frozen=True, kw_only=True, eq=False)
class _Frames:
    """Frames by the name of their source: fields for some, ``more`` for all others."""

    more: Mapping[str, Any] = field(default_factory=dict)

    def frame(self, source: str) -> Any:
        """What the source of that name brought; None if it was not asked."""
        return getattr(self, source) if source in self.own() else self.more.get(source)

    @classmethod
    def own(cls) -> frozenset[str]:
        """The names that have a field of their own."""
        return frozenset(each.name for each in fields(cls)) - {"more"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Period(_Frames):
    """A window that readers can choose, with its figures and those of the window before it.

    ``name`` is the span as people write it (``last 30 days``). ``agent_leaderboard`` is ranked against
    the window before; ``agents_before``, ``funnels_before`` and ``activity_before`` are that window's own figures.
    Give both frames of ``activity`` or neither; ``more`` holds what other sources brought.
    """

    name: str
    since: datetime
    until: datetime
    agent_leaderboard: pl.DataFrame
    agents_before: pl.DataFrame
    conversion_funnels: pl.DataFrame
    funnels_before: pl.DataFrame
    funnels_by_breakdown: Mapping[tuple[str, str], pl.DataFrame] = field(default_factory=dict)
    activity: pl.DataFrame | None = None
    activity_before: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        """Refuse frames that are not what they claim to be."""
        asked = f"{_ASKED}'s {self.name}"
        formatting.require(self.agent_leaderboard, (*LEADERBOARD_COLUMNS, *MOVEMENT_COLUMNS), f"{asked}, leaderboard")
        formatting.require(self.agents_before, LEADERBOARD_COLUMNS, f"{asked}, leaderboard before")
        for frame in (self.conversion_funnels, self.funnels_before, *self.funnels_by_breakdown.values()):
            formatting.require(frame, FUNNEL_COLUMNS, f"{asked}, funnels")
        given = [frame for frame in (self.activity, self.activity_before) if frame is not None]
        for frame in given:
            formatting.require(frame, ACTIVITY_COLUMNS, f"{asked}, activity")
        if len(given) == 1 or any(frame.height != 1 for frame in given):
            raise UsageError(f"{asked}, activity", "it is not one row of each window", "Give both frames, or none")

    @property
    def key(self) -> str:
        """The period's part of an address: ``last-30-days``."""
        return self.name.replace(" ", "-")


@dataclass(frozen=True, kw_only=True, eq=False)
class DashboardContent(_Frames):
    """Everything one dashboard shows, each frame with exactly the warehouse's columns.

    ``agent_leaderboard`` and ``agent_performance_metrics`` hold the same agents; if the first is
    ranked against a window, its movements are shown. ``conversion_funnels`` is not broken
    down; ``funnels_by_breakdown`` holds further frames under ``(funnel, breakdown)``. ``warnings``
    has a row per check that ran, with the number of rows it found; ``left_out`` has the money in other
    currencies, ``sources`` what the refresh read. The boards of ``history`` and the frames of
    ``times_to_convert``, by funnel, are drawn if given. ``as_of``, ``snapshot`` and
    ``refresh_id`` are printed on every page, ``freshness`` (the age of the newest event and the snapshot)
    at its top; ``definitions`` gives each metric's meaning in a sentence, ``meanings`` each metric's columns: their
    name, unit and meaning. ``more`` holds, by name, what sources without a field here brought.
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
    meanings: Mapping[str, Sequence[tuple[str, str, str]]] = field(default_factory=dict)
    warnings: pl.DataFrame = field(default_factory=_no_warnings)
    funnels_by_breakdown: Mapping[tuple[str, str], pl.DataFrame] = field(default_factory=dict)
    marketplace_monthly: pl.DataFrame | None = None
    signup_cohorts: pl.DataFrame | None = None
    template_experiments: pl.DataFrame | None = None
    history: pl.DataFrame | None = None
    times_to_convert: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    left_out: pl.DataFrame | None = None
    sources: pl.DataFrame | None = None
    periods: tuple[Period, ...] = ()
    freshness: Freshness | None = None
    title: str = "Marketplace report"

    def __post_init__(self) -> None:
        """Refuse what could not be shown truthfully, before anything is drawn."""
        if self.as_of.tzinfo is None:
            raise UsageError(_ASKED, f"as_of {self.as_of.isoformat()} has no time zone", "Give an aware datetime")
        windows.zone(self.timezone)
        formatting.require(self.agent_leaderboard, (*LEADERBOARD_COLUMNS,), f"{_ASKED}'s agent_leaderboard")
        formatting.require(self.agent_performance_metrics, PERFORMANCE_COLUMNS, f"{_ASKED}'s agent_performance_metrics")
        formatting.require(self.brand_reputations, BRAND_COLUMNS, f"{_ASKED}'s brand_reputations")
        formatting.require(self.conversion_funnels, FUNNEL_COLUMNS, f"{_ASKED}'s conversion_funnels")
        formatting.require(self.warnings, WARNING_COLUMNS, f"{_ASKED}'s warnings")
        for frame, columns, name in self._optional():
            if frame is not None:
                formatting.require(frame, columns, f"{_ASKED}'s {name}")
        self._check_agents()
        self._check_funnels()

    def _optional(self) -> tuple[tuple[pl.DataFrame | None, tuple[str, ...], str], ...]:
        return (
            (self.marketplace_monthly, MONTHLY_COLUMNS, "marketplace_monthly"),
            (self.signup_cohorts, COHORT_COLUMNS, "signup_cohorts"),
            (self.template_experiments, EXPERIMENT_COLUMNS, "template_experiments"),
            (self.history, HISTORY_COLUMNS, "history"),
            (self.left_out, LEFT_OUT_COLUMNS, "left_out"),
            (self.sources, SOURCE_COLUMNS, "sources"),
            *((frame, TIME_COLUMNS, f"{name} times") for name, frame in self.times_to_convert.items()),
        )

    def _check_agents(self) -> None:
        ranked = self.agent_leaderboard["agent_id"].to_list()
        measured = self.agent_performance_metrics["user_id"].to_list()
        if len(set(ranked)) != len(ranked) or sorted(ranked) != sorted(measured):
            raise UsageError(
                _ASKED,
                f"the leaderboard has {formatting.plural(len(ranked), 'agent')} and the performance metrics "
                f"{formatting.plural(len(measured), 'agent')}, not the same ones once each",
                "Take both frames from one refresh",
            )

    def _check_funnels(self) -> None:
        if not self.conversion_funnels.filter(pl.col("breakdown") != WHOLE).is_empty():
            raise UsageError(
                f"{_ASKED}'s conversion_funnels", "it is broken down", "Put such frames into funnels_by_breakdown"
            )
        for period in self.periods:
            if set(period.agent_leaderboard["agent_id"]) != set(self.agent_leaderboard["agent_id"]):
                raise UsageError(
                    f"{_ASKED}'s {period.name}", "its board holds other agents", "Take all frames from one refresh"
                )
        for (funnel, breakdown), frame in self.funnels_by_breakdown.items():
            asked = f"{_ASKED}'s {funnel} funnel by {breakdown}"
            formatting.require(frame, FUNNEL_COLUMNS, asked)
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
        return self.as_of.astimezone(windows.zone(self.timezone))

    @property
    def sorted_breakdowns(self) -> tuple[tuple[str, str], ...]:
        """The keys of `funnels_by_breakdown` in a fixed order, whatever order they were given in."""
        return tuple(sorted(self.funnels_by_breakdown))
