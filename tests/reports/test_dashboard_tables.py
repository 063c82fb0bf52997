"""The tables of the dashboard in a real browser: every cell, filter, sum, order and download held to the frames."""

from __future__ import annotations

import csv
import io
import unicodedata
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, expect

from si_analytics.reports import dashboard
from tests.support import dashboard_frames as frames
from tests.support.dashboards import (
    AGENT_CELLS,
    FUNNEL_CELLS,
    MONTH_CELLS,
    Watched,
    all_agents,
    content,
    expected,
    opened,
    shown,
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dashboard.write(content(), tmp_path_factory.mktemp("dashboard") / "report.html")


def downloaded(seen: Watched, table: str) -> tuple[str, list[dict[str, str]]]:
    with seen.page.expect_download() as waiting:
        seen.page.locator(f"#{table}-table [data-csv]").click()
    raw = Path(waiting.value.path()).read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    return waiting.value.suggested_filename, list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def test_every_table_holds_every_cell_of_its_frame(browser: Browser, report: Path) -> None:
    brands = content().brand_reputations
    ratings = ("overall_rating", "payment_speed_rating", "communication_rating", "professionalism_rating")
    brand_cells = {
        "rank": "number",
        "company": "typed",
        "reputation_score": "number",
        "review_count": "number",
        **dict.fromkeys(ratings, "number"),
        "total_deals": "number",
        "average_payment_time": "number",
    }
    rated = brands.with_columns(
        pl.when(pl.col("review_count") > 0).then(pl.col(rating)).alias(rating) for rating in ratings
    )
    with opened(browser, report) as seen:
        assert shown(seen, "agents") == expected(all_agents(), AGENT_CELLS)
        assert shown(seen, "brands") == expected(rated, brand_cells)
        assert shown(seen, "growth") == expected(frames.monthly().sort("month", descending=True), MONTH_CELLS)
        checks = [row[:3] for row in shown(seen, "checks")]
        assert checks == [
            ["Other currencies", "warning", "412"],
            ["Recruited by two agents", "warning", "6"],
            ["Null event times", "clear", "0"],
        ]
        for name in frames.STAGES:
            seen.page.select_option("#funnel-name", name)
            assert shown(seen, "funnels") == expected(frames.funnels().filter(pl.col("funnel") == name), FUNNEL_CELLS)


def test_times_and_cohorts_stand_as_tables_beside_their_charts(browser: Browser, tmp_path: Path) -> None:
    """Seven shares of each funnel's times; every month since every month of signing up, the latest first."""
    times = {name: frames.times().with_columns(funnel=pl.lit(name)) for name in ("gig", "invite")}
    cohorts = frames.cohorts(4)
    path = dashboard.write(content(3, times_to_convert=times, signup_cohorts=cohorts), tmp_path / "report.html")
    told = times["gig"].filter(pl.col("percentile").is_in([10, 25, 50, 75, 90, 95, 100]))
    with opened(browser, path, "#funnels?funnels.name=gig") as seen:
        assert shown(seen, "times") == expected(
            told, {"percentile": "number", "hours_from_start": "hours", "stage": "label", "units": "number"}
        )
        name, rows = downloaded(seen, "times")
        assert name == "times_2026-06-01_gig.csv"
        assert [row["hours_from_start"] for row in rows] == [str(value) for value in told["hours_from_start"]]
        kinds = dict.fromkeys(("months_since", "cohort_size", "active"), "number")
        ordered = cohorts.sort("cohort_month", "months_since", descending=[True, False])
        assert shown(seen, "cohorts") == expected(ordered, {"cohort_month": "month", **kinds, "retention": "ratio"})


def test_filters_leave_the_rows_the_library_would_and_sum_them_exactly(browser: Browser, report: Path) -> None:
    """Tier gold; then names with both "nunez" and "ko", accents and case aside."""
    with opened(browser, report) as seen:
        seen.page.select_option("#agents-tier", "gold")
        gold = all_agents().filter(pl.col("tier") == "gold")
        assert shown(seen, "agents") == expected(gold, AGENT_CELLS)
        assert seen.texts("#agents-table [data-count]") == [
            f"{gold.height} of 120 agents, earnings USD {gold['total_earnings'].sum():,}"
        ]
        seen.page.locator("#agents-chart").scroll_into_view_if_needed()
        seen.page.wait_for_selector("#agents-chart .textpoint")
        drawn = seen.texts("#agents-chart .textpoint")
        assert drawn[0].replace("\u2068", "").startswith(f"{gold['rank'][0]}  {gold['agent_name'][0]}"[:12])
        seen.page.select_option("#agents-tier", "")
        seen.page.fill("#agents-search", "NUNEZ ko")

        def matches(name: str) -> bool:
            folded = "".join(
                part for part in unicodedata.normalize("NFD", name.lower()) if not unicodedata.combining(part)
            )
            return "nunez" in folded and "ko" in folded

        found = all_agents().filter(pl.col("agent_name").map_elements(matches, return_dtype=pl.Boolean))
        assert 0 < found.height < 20
        assert shown(seen, "agents") == expected(found, AGENT_CELLS)
        seen.page.fill("#agents-search", "nobody of that name")
        assert shown(seen, "agents") == [["No agent matches."]]
        assert seen.page.locator("#agents-table [data-csv]").is_disabled()


def test_the_download_holds_exactly_the_rows_that_match_in_the_order_shown(browser: Browser, report: Path) -> None:
    with opened(browser, report) as seen:
        seen.page.select_option("#agents-tier", "silver")
        seen.page.locator("#agents-table th button[data-key=total_deals]").click()
        name, rows = downloaded(seen, "agents")
        assert name == "agents_2026-06-01_silver.csv"
        silver = all_agents().filter(pl.col("tier") == "silver").sort(["total_deals", "rank"], descending=[True, False])
        assert len(rows) == silver.height > 20
        for row, source in zip(rows, silver.to_dicts(), strict=True):
            assert row["agent_id"] == source["agent_id"]
            assert Decimal(row["total_earnings"]) == source["total_earnings"]
            assert row["total_earnings"] == str(source["total_earnings"])
            assert row["response_time"] == ("" if source["response_time"] is None else str(source["response_time"]))
            assert row["last_calculated_at"] == "2026-06-01T00:00:00Z"


def test_a_download_never_starts_a_formula_and_keeps_what_was_typed(browser: Browser, report: Path) -> None:
    with opened(browser, report) as seen:
        _, rows = downloaded(seen, "agents")
        written = [row["agent_name"] for row in rows[1 : 1 + len(frames.HOSTILE)]]
        assert [name.removeprefix("'") for name in written] == list(frames.HOSTILE)
        assert [name[0] for name in written if name.removeprefix("'")[0] in "=+-@"] == ["'", "'"]
        assert {row["rank_change"] for row in rows} >= {"-4", "4", ""}


def test_a_heading_sorts_by_keyboard_says_so_and_keeps_the_focus(browser: Browser, report: Path) -> None:
    """Earnings: largest first, then smallest first; nothing known of an agent stands last either way."""
    with opened(browser, report) as seen:
        button = seen.page.locator("#agents-table th button[data-key=response_time]")
        heading = seen.page.locator("#agents-table th:has(button[data-key=response_time])")
        position = list(AGENT_CELLS).index("response_time")
        for key, direction, down in (("Enter", "ascending", False), ("Space", "descending", True)):
            button.focus()
            seen.page.keyboard.press(key)
            expect(heading).to_have_attribute("aria-sort", direction)
            expect(button).to_be_focused()
            ordered = all_agents().sort(["response_time", "rank"], descending=[down, False], nulls_last=True)
            times = [cell for (cell,) in expected(ordered, {"response_time": "number"})]
            assert [row[position] for row in shown(seen, "agents")] == times
        assert seen.page.locator("#agents-table th[aria-sort]").count() == 1


def test_figures_are_sorted_as_numbers_however_long(browser: Browser, tmp_path: Path) -> None:
    """9.00, 10.00 and two amounts that differ only where a float no longer does."""
    amounts = ["9.00", "90071992547409931.06", "10.00", "90071992547409931.07"]
    board = frames.agents(4).with_columns(pl.Series("total_earnings", amounts).cast(pl.Decimal(38, 2)))
    path = dashboard.write(
        content(agent_leaderboard=board, agent_performance_metrics=frames.performance(board)), tmp_path / "report.html"
    )
    with opened(browser, path) as seen:
        seen.page.locator("#agents-table th button[data-key=total_earnings]").click()
        assert [row[3] for row in shown(seen, "agents")] == [
            "90,071,992,547,409,931.07",
            "90,071,992,547,409,931.06",
            "10.00",
            "9.00",
        ]
        assert seen.texts("#agents-table [data-count]") == ["4 agents, earnings USD 180,143,985,094,819,881.13"]
