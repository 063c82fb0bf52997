"""What the tests of the dashboard share: one full of hostile names, opening it, and reading what it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
from playwright.sync_api import Browser

from si_analytics import formatting
from si_analytics.reports import dashboard
from tests.support import dashboard_frames as frames
from tests.support.browsing import Watched, open_file, watched

BOARD = frames.agents(120, moved=True, names=("Ana Núñez", *frames.HOSTILE))


def content(count: int | None = None, **changes: Any) -> dashboard.DashboardContent:
    """A dashboard of 120 agents with hostile names, or of `count` ordinary ones."""
    board = BOARD if count is None else frames.agents(count)
    given: dict[str, Any] = {
        "agent_leaderboard": board,
        "agent_performance_metrics": frames.performance(board),
        "brand_reputations": frames.brands(
            board.height // 2, names=() if count is not None else (None, *frames.HOSTILE)
        ),
        "conversion_funnels": frames.funnels(1 if board.height else 0),
        "as_of": frames.AS_OF,
        "refresh_id": "01J9ZK4T6Q2",
        "snapshot": "812:815:",
        "timezone": "Europe/Berlin",
        "definitions": {"Agent earnings": "Completed commissions <paid> to the agent."},
        "warnings": frames.warnings(),
        "funnels_by_breakdown": {
            ("invite", "method"): frames.broken_down("invite", "method", ["sms", "email", frames.HOSTILE[0]]),
            ("invite", "agent"): frames.broken_down("invite", "agent", [frames.agent_id(0), "unknown"]),
            ("gig", "month"): frames.broken_down("gig", "month", ["2026-02", "2026-01"]),
        },
        "marketplace_monthly": frames.monthly(),
    }
    return dashboard.DashboardContent(**{**given, **changes})


@contextmanager
def opened(browser: Browser, path: Path, fragment: str = "", **options: Any) -> Iterator[Watched]:
    with watched(browser, **options) as seen:
        open_file(seen, path, fragment)
        yield seen
        assert seen.trouble == []


WRITTEN: dict[str, Callable[[Any], str]] = {
    "number": lambda value: formatting.MISSING if value is None else f"{value:,}",
    "ratio": formatting.percent,
    "hours": formatting.hours,
    "typed": lambda value: "(no name)" if value is None else value,
    "label": lambda value: value.replace("_", " ").capitalize(),
    "month": lambda value: f"{value:%B %Y}",
    "movement": lambda value: (
        "new" if value is None else f"up ▲ {value}" if value > 0 else f"down ▼ {-value}" if value else "= no change"
    ),
}
AGENT_CELLS = {
    "rank": "number",
    "rank_change": "movement",
    "agent_name": "typed",
    "tier": "typed",
    "total_earnings": "number",
    "performance_score": "number",
    "total_deals": "number",
    "total_referrals": "number",
    "verified_referrals": "number",
    "average_conversion_time": "number",
    "response_time": "number",
    "satisfaction_score": "number",
}
FUNNEL_CELLS = {
    "stage": "label",
    "reached": "number",
    "dropped": "number",
    "conversion_from_previous": "ratio",
    "conversion_from_start": "ratio",
    "median_hours_from_start": "hours",
    "p90_hours_from_start": "hours",
    "immature": "number",
}
MONTH_CELLS = {
    "month": "month",
    **dict.fromkeys(
        ("gmv", "new_deals", "completed_deals", "active_sponsors", "active_influencers"),
        "number",
    ),
    **dict.fromkeys(("platform_revenue", "agent_payouts", "net_revenue"), "number"),
    "take_rate": "ratio",
    "refunds": "number",
}


def shown(seen: Watched, table: str) -> list[list[str]]:
    """Every cell of a table, after asking for all its rows."""
    rest = seen.page.locator(f"#{table}-table [data-all]")
    if rest.is_visible():
        rest.click()
    return seen.page.locator(f"#{table}-table tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )


def expected(frame: pl.DataFrame, kinds: dict[str, str]) -> list[list[str]]:
    return [[WRITTEN[kind](row[key]) for key, kind in kinds.items()] for row in frame.to_dicts()]


def all_agents() -> pl.DataFrame:
    measured = frames.performance(BOARD).drop("total_deals", "total_referrals", "total_earnings")
    return BOARD.join(measured, left_on="agent_id", right_on="user_id", how="left").sort("rank")
