"""The dashboard of a marketplace in which nothing happens, or nothing any more: sentences, dashes and warnings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser

from si_analytics import formatting
from si_analytics.query.freshness import Freshness
from si_analytics.reports import dashboard
from tests.support import dashboard_frames as frames
from tests.support.dashboards import content, opened, shown

pytestmark = pytest.mark.browser


def test_charts_with_nothing_to_draw_are_a_sentence_and_no_axes(browser: Browser, tmp_path: Path) -> None:
    """Nobody earned, no brand is reviewed, deals were completed only a year ago: the last six months are empty."""
    idle = frames.agents(8).with_columns(pl.lit("0.00").cast(pl.Decimal(38, 2)).alias("total_earnings"))
    late = pl.col("month") > pl.col("month").min()
    months = frames.monthly(13).with_columns(
        pl.when(late).then(pl.lit("0.00").cast(pl.Decimal(38, 2))).otherwise("gmv").alias("gmv"),
        pl.when(late).then(None).otherwise("take_rate").alias("take_rate"),
    )
    unrated = frames.brands(12).filter(pl.col("rank").is_null())
    shown_here = content(
        8,
        agent_leaderboard=idle,
        brand_reputations=unrated,
        marketplace_monthly=months,
        signup_cohorts=frames.cohorts(2).with_columns(pl.lit(0).alias("active")),
    )
    with opened(browser, dashboard.write(shown_here, tmp_path / "report.html"), "#growth?growth.months=6") as seen:
        for chart, words in (
            ("overview-agents", "Nobody has earned anything yet."),
            ("agents-chart", "Nobody has earned anything yet."),
            ("brands-chart", "No such brand has been reviewed yet."),
            ("cohorts-chart", "None of those who signed up has had a deal yet."),
            ("growth-chart", "No deal was completed."),
        ):
            seen.page.locator(f"#{chart}").scroll_into_view_if_needed()
            seen.page.locator(f"#{chart} .main-svg").first.wait_for()
            assert words in "".join(seen.texts(f"#{chart}")), chart
            assert seen.page.locator(f"#{chart} .ytick, #{chart} .xtick").count() == 0, chart
        assert "No take rate: no deal was completed." in "".join(seen.texts("#growth-chart"))
        assert [row[0] for row in shown(seen, "brands")] == [formatting.MISSING] * unrated.height


def test_the_header_says_how_old_everything_is_and_warns_where_that_is_unusual(
    browser: Browser, tmp_path: Path
) -> None:
    """The newest event is 183 days old where a day is usual; the snapshot is of 2026-06-01, and the reader is later."""
    stopped = Freshness(
        as_of=frames.AS_OF,
        taken_at=frames.AS_OF,
        newest_event=frames.AS_OF - timedelta(days=183),
        longest_pause=timedelta(hours=20),
    )
    with opened(browser, dashboard.write(content(8, freshness=stopped), tmp_path / "report.html")) as seen:
        header = "".join(seen.texts("header.top"))
        assert ", 183 days before." in header
        assert "Nothing has happened for 183 days; until then no pause was longer than 20 hours" in header
        assert "days before this page was opened." in header
        assert "days old, older than usual: see whether refreshes still run." in header
    lively = Freshness(frames.AS_OF, datetime.now(UTC), frames.AS_OF - timedelta(hours=1), timedelta(hours=20))
    with opened(browser, dashboard.write(content(8, freshness=lively), tmp_path / "lively.html")) as seen:
        assert "1 hour before." in "".join(seen.texts("header.top"))
        assert seen.page.locator("header .banner:visible").count() == 0
