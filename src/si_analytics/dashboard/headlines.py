"""The headline figures of the overview: few, exact, each with a line that says what it is.

Belongs here: sums and shares of whole frames. May import: `display`, and this package's `content`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from si_analytics import display
from si_analytics.dashboard.content import DashboardContent, Period


@dataclass(frozen=True)
class Headline:
    """One figure: what it is, its value as text, and a line beneath. ``trend`` is up, down or empty."""

    label: str
    value: str
    note: str
    trend: str = ""


def headlines(content: DashboardContent, period: Period | None = None) -> tuple[Headline, ...]:
    """The figures of the overview, from left to right: of all time, or of a period against the one before."""
    if period is not None:
        return _of_period(content, period)
    return (*_latest_month(content), *_agents(content), _brands(content), *_first_deal(content.conversion_funnels))


def _of_period(content: DashboardContent, period: Period) -> tuple[Headline, ...]:
    ago = f"the {_length(period)} before"
    currency = content.currency
    now = _activity(period.activity, period.agent_leaderboard, period.conversion_funnels, currency)
    then = _activity(period.activity_before, period.agents_before, period.funnels_before, currency)
    compared = (
        Headline(label, display.number(value), *_against(value, then[label], ago)) for label, value in now.items()
    )
    return (*compared, *_first_deal(period.conversion_funnels))


def _activity(
    activity: pl.DataFrame | None, board: pl.DataFrame, funnels: pl.DataFrame, currency: str
) -> dict[str, Decimal | int]:
    """What went on in a window, by what it is called."""
    return {
        **_marketplace(activity, currency),
        f"Agent earnings ({currency.upper()})": _total(board["total_earnings"]),
        "Agents with earnings": board.filter(pl.col("total_earnings") > 0).height,
        "New active recruits": int(board["total_referrals"].sum()),
        "Invites sent": _entered(funnels, "invite"),
    }


def _marketplace(activity: pl.DataFrame | None, currency: str) -> dict[str, Decimal | int]:
    """The marketplace's own figures; deals have no amount in another currency than theirs."""
    if activity is None:
        return {}
    row = activity.row(0, named=True)
    named = {
        f"Completed deals ({currency.upper()})": row["gmv"],
        "New deals": row["new_deals"],
        f"Net revenue ({currency.upper()})": row["net_revenue"],
    }
    return {label: value for label, value in named.items() if value is not None}


def _length(period: Period) -> str:
    """How long the period is, in whole days: a change of clocks makes one of its days longer, not another day."""
    days = round((period.until - period.since) / timedelta(days=1))
    return display.plural(days, "day")


def _entered(funnels: pl.DataFrame, name: str) -> int:
    found = funnels.filter((pl.col("funnel") == name) & (pl.col("stage_number") == 1))
    return int(found["reached"].sum())


def _agents(content: DashboardContent) -> tuple[Headline, ...]:
    board = content.agent_leaderboard
    earnings = _total(board["total_earnings"])
    earning = board.filter(pl.col("total_earnings") > 0).height
    best = _total(board.sort("rank").head(10)["total_earnings"])
    share = f"The first ten earn {display.percent(best / earnings, 0)}" if earnings > 0 else "Nothing earned yet"
    recruits = int(board["total_referrals"].sum())
    verified = int(content.agent_performance_metrics["verified_referrals"].sum())
    return (
        Headline(f"Agent earnings ({content.currency.upper()})", display.number(earnings), share),
        Headline("Agents", display.number(board.height), f"{earning:,} with earnings"),
        Headline("Active recruits", display.number(recruits), f"{verified:,} from a verified invite"),
    )


def _brands(content: DashboardContent) -> Headline:
    reviewed = content.brand_reputations.filter(pl.col("review_count") > 0).height
    return Headline("Brands", display.number(content.brand_reputations.height), f"{reviewed:,} with reviews")


def _first_deal(funnels: pl.DataFrame) -> tuple[Headline, ...]:
    stages = funnels.filter((pl.col("funnel") == "invite") & pl.col("stage").is_in(["sent", "first_deal"])).sort(
        "stage_number"
    )
    if stages.height < 2:
        return ()
    sent, deal = stages.to_dicts()
    ratio = deal["conversion_from_start"]
    note = f"{deal['reached']:,} of {sent['reached']:,} invites sent"
    return (Headline("Invite to first deal", display.percent(ratio), note),)


def _latest_month(content: DashboardContent) -> tuple[Headline, ...]:
    """The last month that is over at as_of, against the one before it, whatever happened in either."""
    if content.marketplace_monthly is None:
        return ()
    months = {row["month"]: row for row in content.marketplace_monthly.to_dicts()}
    over = _month_before(content.as_of_local.date())
    last, before = months.get(over), months.get(_month_before(over))
    if last is None:
        return ()
    called, currency = f"{last['month']:%b %Y}", content.currency.upper()
    figures = (
        ("gmv", f"Completed deals ({currency})"),
        ("new_deals", "New deals"),
        ("net_revenue", f"Net revenue ({currency})"),
    )
    return tuple(
        Headline(f"{label}, {called}", display.number(last[key]), *_against_month(last[key], before, key))
        for key, label in figures
        if last[key] is not None
    )


def _month_before(day: date) -> date:
    """The first day of the month before that of `day`."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def _against_month(value: Decimal | int, before: dict[str, Any] | None, key: str) -> tuple[str, str]:
    if before is None or before[key] is None:
        return "No month before to compare with", ""
    return _against(value, before[key], f"{before['month']:%b %Y}")


def _against(value: Decimal | int, before: Decimal | int, ago: str) -> tuple[str, str]:
    """The change as a share of what was before, in words and an arrow, and whether it went up or down."""
    if value == before:
        return f"As much as in {ago}", ""
    if before <= 0:
        return f"{display.number(before)} in {ago}", ""
    change = Decimal(value) / Decimal(before) - 1
    arrow, trend = ("▲", "up") if change > 0 else ("▼", "down")
    return f"{arrow} {display.percent(abs(change))} against {ago}", trend


def _total(column: pl.Series) -> Decimal:
    return sum(column.drop_nulls().to_list(), Decimal("0.00"))
