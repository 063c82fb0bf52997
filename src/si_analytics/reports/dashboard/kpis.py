"""The headline figures of the overview: few, exact, each with a line that explains it.

Belongs here: the tiles, each declared with what it shows; sums and shares of whole frames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from si_analytics import formatting
from si_analytics.reports.dashboard import sources
from si_analytics.reports.dashboard.content import DashboardContent, Period
from si_analytics.reports.dashboard.sources import PanelData

Told = tuple[str, str, str]
"""A value as text, the line beneath, and whether that line reports an up or a down."""


@dataclass(frozen=True)
class Headline:
    """One figure: its label, its value as text, and a line beneath. ``trend`` is up, down or empty."""

    label: str
    value: str
    note: str
    trend: str = ""


@dataclass(frozen=True)
class TileWindow:
    """One window's own figures: a period's, or those of the equally long window before it."""

    activity: pl.DataFrame | None
    board: pl.DataFrame
    funnels: pl.DataFrame

    def amount(self, column: str) -> Decimal | int | None:
        """A figure of the marketplace's activity; None if unknown, because deals have only one currency."""
        return None if self.activity is None else self.activity.row(0, named=True)[column]


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One headline figure: its label, what it shows of all time and of a period, and the data it uses.

    ``whole`` gives the figure of all time, ``within`` a period's; ``month`` is the column of the last month that is
    over, compared with the month before. ``counted`` gives one window's figure, to compare a period with the window
    before. A tile with nothing to show is left out. ``{currency}`` in its label is the reporting currency.
    """

    label: str
    sources: tuple[PanelData, ...]
    month: str = ""
    whole: Callable[[DashboardContent], Told | None] | None = None
    within: Callable[[Period], Told | None] | None = None
    counted: Callable[[TileWindow], Decimal | int | None] | None = None

    def headline(self, content: DashboardContent, period: Period | None) -> Headline | None:
        """The figure of all time or of a period, or None if there is none."""
        label, told = self.label.replace("{currency}", content.currency.upper()), None
        if period is None and self.month:
            label, told = _latest_month(content, label, self.month)
        elif period is None:
            told = self.whole(content) if self.whole else None
        elif self.counted:
            told = _compared(period, self.counted)
        elif self.within:
            told = self.within(period)
        return None if told is None else Headline(label, *told)


def headlines(
    content: DashboardContent, period: Period | None = None, tiles: Sequence[Tile] | None = None
) -> tuple[Headline, ...]:
    """The figures of the overview, from left to right: for all time, or for a period against the one before."""
    made = (tile.headline(content, period) for tile in (TILES if tiles is None else tiles))
    return tuple(headline for headline in made if headline is not None)


def _compared(period: Period, counted: Callable[[TileWindow], Decimal | int | None]) -> Told | None:
    """A figure of the period, compared with the equally long window before it."""
    now = counted(TileWindow(period.activity, period.agent_leaderboard, period.conversion_funnels))
    then = counted(TileWindow(period.activity_before, period.agents_before, period.funnels_before))
    if now is None or then is None:
        return None
    return formatting.number(now), *_against(now, then, f"the {_length(period)} before")


def _length(period: Period) -> str:
    """The length of the period in whole days: a change of clocks makes a day longer but adds none."""
    days = round((period.until - period.since) / timedelta(days=1))
    return formatting.plural(days, "day")


def _entered(funnels: pl.DataFrame, name: str) -> int:
    found = funnels.filter((pl.col("funnel") == name) & (pl.col("stage_number") == 1))
    return int(found["reached"].sum())


def _earnings(content: DashboardContent) -> Told:
    board = content.agent_leaderboard
    earnings, best = _total(board["total_earnings"]), _total(board.sort("rank").head(10)["total_earnings"])
    share = f"The first ten earn {formatting.percent(best / earnings, 0)}" if earnings > 0 else "Nothing earned yet"
    return formatting.number(earnings), share, ""


def _agents(content: DashboardContent) -> Told:
    return (
        formatting.number(content.agent_leaderboard.height),
        f"{_earning(content.agent_leaderboard):,} with earnings",
        "",
    )


def _earning(board: pl.DataFrame) -> int:
    return board.filter(pl.col("total_earnings") > 0).height


def _recruits(content: DashboardContent) -> Told:
    recruits = int(content.agent_leaderboard["total_referrals"].sum())
    verified = int(content.agent_performance_metrics["verified_referrals"].sum())
    return formatting.number(recruits), f"{verified:,} from a verified invite", ""


def _brands(content: DashboardContent) -> Told:
    reviewed = content.brand_reputations.filter(pl.col("review_count") > 0).height
    return formatting.number(content.brand_reputations.height), f"{reviewed:,} with reviews", ""


def _first_deal(of: DashboardContent | Period) -> Told | None:
    stages = of.conversion_funnels.filter(
        (pl.col("funnel") == "invite") & pl.col("stage").is_in(["sent", "first_deal"])
    ).sort("stage_number")
    if stages.height < 2:
        return None
    sent, deal = stages.to_dicts()
    note = f"{deal['reached']:,} of {sent['reached']:,} invites sent"
    return formatting.percent(deal["conversion_from_start"]), note, ""


def _latest_month(content: DashboardContent, label: str, column: str) -> tuple[str, Told | None]:
    """The last month that is over at as_of, compared with the one before, even if nothing happened in either."""
    if content.marketplace_monthly is None:
        return label, None
    months = {row["month"]: row for row in content.marketplace_monthly.to_dicts()}
    over = _month_before(content.as_of_local.date())
    last, before = months.get(over), months.get(_month_before(over))
    if last is None or last[column] is None:
        return label, None
    told = formatting.number(last[column]), *_against_month(last[column], before, column)
    return f"{label}, {last['month']:%b %Y}", told


def _month_before(day: date) -> date:
    """The first day of the month before that of `day`."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def _against_month(value: Decimal | int, before: dict[str, Any] | None, key: str) -> tuple[str, str]:
    if before is None or before[key] is None:
        return "No month before to compare with", ""
    return _against(value, before[key], f"{before['month']:%b %Y}")


def _against(value: Decimal | int, before: Decimal | int, ago: str) -> tuple[str, str]:
    """The change as a share of the value before, in words and an arrow, and whether it went up or down."""
    if value == before:
        return f"As much as in {ago}", ""
    if before <= 0:
        return f"{formatting.number(before)} in {ago}", ""
    change = Decimal(value) / Decimal(before) - 1
    arrow, trend = ("▲", "up") if change > 0 else ("▼", "down")
    return f"{arrow} {formatting.percent(abs(change))} against {ago}", trend


def _total(column: pl.Series) -> Decimal:
    return sum(column.drop_nulls().to_list(), Decimal("0.00"))


_AGENTS = (sources.AGENT_LEADERBOARD, sources.AGENTS_BEFORE)
_MARKETPLACE = (sources.MARKETPLACE_MONTHLY, sources.ACTIVITY, sources.ACTIVITY_BEFORE)

TILES: tuple[Tile, ...] = (
    Tile(
        label="Completed deals ({currency})",
        sources=_MARKETPLACE,
        month="gmv",
        counted=lambda window: window.amount("gmv"),
    ),
    Tile(
        label="New deals",
        sources=_MARKETPLACE,
        month="new_deals",
        counted=lambda window: window.amount("new_deals"),
    ),
    Tile(
        label="Net revenue ({currency})",
        sources=_MARKETPLACE,
        month="net_revenue",
        counted=lambda window: window.amount("net_revenue"),
    ),
    Tile(
        label="Agent earnings ({currency})",
        sources=_AGENTS,
        whole=_earnings,
        counted=lambda window: _total(window.board["total_earnings"]),
    ),
    Tile(label="Agents", sources=_AGENTS, whole=_agents),
    Tile(label="Agents with earnings", sources=_AGENTS, counted=lambda window: _earning(window.board)),
    Tile(label="Active recruits", sources=(*_AGENTS, sources.AGENT_PERFORMANCE), whole=_recruits),
    Tile(
        label="New active recruits",
        sources=_AGENTS,
        counted=lambda window: int(window.board["total_referrals"].sum()),
    ),
    Tile(label="Brands", sources=(sources.BRAND_REPUTATIONS,), whole=_brands),
    Tile(
        label="Invites sent",
        sources=(sources.CONVERSION_FUNNELS, sources.INVITES_BEFORE),
        counted=lambda window: _entered(window.funnels, "invite"),
    ),
    Tile(
        label="Invite to first deal",
        sources=(sources.CONVERSION_FUNNELS,),
        whole=_first_deal,
        within=_first_deal,
    ),
)
"""All headline figures, from left to right."""
