"""The headline figures of the overview: few, exact, each with a line that says what it is.

Belongs here: sums and shares of whole frames. May import: `display`, and this package's `content`.
"""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from si_analytics import display
from si_analytics.dashboard.content import DashboardContent


@dataclass(frozen=True)
class Headline:
    """One figure: what it is, its value as text, and a line beneath. ``trend`` is up, down or empty."""

    label: str
    value: str
    note: str
    trend: str = ""


def headlines(content: DashboardContent) -> tuple[Headline, ...]:
    """The figures of the overview, from left to right."""
    latest = _latest_month(content)
    return (*((latest,) if latest else ()), *_agents(content), _brands(content), *_first_deal(content))


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


def _first_deal(content: DashboardContent) -> tuple[Headline, ...]:
    stages = content.conversion_funnels.filter(
        (pl.col("funnel") == "invite") & pl.col("stage").is_in(["sent", "first_deal"])
    ).sort("stage_number")
    if stages.height < 2:
        return ()
    sent, deal = stages.to_dicts()
    ratio = deal["conversion_from_start"]
    note = f"{deal['reached']:,} of {sent['reached']:,} invites sent"
    return (Headline("Invite to first deal", display.percent(ratio), note),)


def _latest_month(content: DashboardContent) -> Headline | None:
    """The latest month that is over at as_of, against the one before it."""
    if content.marketplace_monthly is None:
        return None
    over = [row for row in content.marketplace_monthly.sort("month").to_dicts() if _is_over(row["month"], content)]
    if not over:
        return None
    valued = over[-1]["gmv"] is not None
    key, what = ("gmv", f"Completed deals ({content.currency.upper()})") if valued else ("new_deals", "New deals")
    value = over[-1][key]
    note, trend = _against(value, over[-2] if len(over) > 1 else None, key)
    return Headline(f"{what}, {over[-1]['month']:%b %Y}", display.number(value), note, trend)


def _is_over(month: date, content: DashboardContent) -> bool:
    year, index = divmod(month.year * 12 + month.month, 12)
    return datetime(year, index + 1, 1, tzinfo=zoneinfo.ZoneInfo(content.timezone)) <= content.as_of


def _against(value: Decimal | int, before: dict[str, Any] | None, key: str) -> tuple[str, str]:
    if before is None or not before[key]:
        return "No month before to compare with", ""
    change = Decimal(value) / Decimal(before[key]) - 1
    if change == 0:
        return f"As much as in {before['month']:%b %Y}", ""
    arrow, trend = ("▲", "up") if change > 0 else ("▼", "down")
    return f"{arrow} {display.percent(abs(change))} against {before['month']:%b %Y}", trend


def _total(column: pl.Series) -> Decimal:
    return sum(column.drop_nulls().to_list(), Decimal("0.00"))
