"""The dashboard: one file, opened from disk in a real browser with the network off."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, expect

from si_analytics import dashboard, display
from si_analytics.dashboard import page
from si_analytics.errors import AnalyticsError, UsageError
from tests import dashboard_frames as frames
from tests.browsing import Watched, open_file, watched

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


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dashboard.write(content(), tmp_path_factory.mktemp("dashboard") / "report.html")


@contextmanager
def opened(browser: Browser, path: Path, fragment: str = "", **options: Any) -> Iterator[Watched]:
    with watched(browser, **options) as seen:
        open_file(seen, path, fragment)
        yield seen
        assert seen.trouble == []


# What goes in


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"as_of": datetime(2026, 6, 1)}, "has no time zone"),  # noqa: DTZ001
        ({"timezone": "Mars/Olympus"}, "it is not an IANA name"),
        ({"brand_reputations": BOARD}, "brand_reputations: the frame has no column sponsor_id"),
        (
            {"agent_performance_metrics": frames.performance(BOARD.head(5))},
            "120 agents and the performance metrics 5 agents",
        ),
        ({"conversion_funnels": frames.broken_down("gig", "month", ["2026-01"])}, "it is broken down"),
        (
            {"funnels_by_breakdown": {("gig", "location"): frames.broken_down("gig", "month", ["x"])}},
            "holds another funnel",
        ),
        ({"warnings": pl.DataFrame({"check": ["x"]})}, "no column severity, rows, summary"),
        (
            {"marketplace_monthly": pl.DataFrame({"month": []})},
            "marketplace_monthly: the frame has no column new_deals",
        ),
    ],
)
def test_content_that_could_not_be_shown_truthfully_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)):
        content(**changes)


# What comes out


def test_the_same_content_gives_the_same_bytes_whatever_order_it_came_in() -> None:
    whole = content()
    shuffled = replace(
        whole,
        agent_leaderboard=whole.agent_leaderboard.reverse(),
        agent_performance_metrics=whole.agent_performance_metrics.reverse(),
        brand_reputations=whole.brand_reputations.reverse(),
        conversion_funnels=whole.conversion_funnels.reverse(),
        funnels_by_breakdown=dict(reversed(list(whole.funnels_by_breakdown.items()))),
        marketplace_monthly=frames.monthly().reverse(),
        warnings=frames.warnings().reverse(),
    )
    assert dashboard.render(whole) == dashboard.render(whole)
    assert dashboard.render(shuffled) == dashboard.render(whole)


def test_the_policy_allows_the_scripts_of_the_page_by_their_hashes_and_nothing_beside_them() -> None:
    text = dashboard.render(content())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    directives = dict(part.strip().split(" ", 1) for part in policy[1].replace("&#39;", "'").split(";"))
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    hashes = [f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts]
    assert directives["script-src"] == " ".join(hashes)
    assert directives["default-src"] == "'none'"
    assert not {"connect-src", "font-src", "frame-src", "worker-src"} & directives.keys()
    assert len(scripts) == 2


def test_plotly_is_in_the_file_once_and_the_file_is_below_8_megabytes() -> None:
    text = dashboard.render(content())
    assert text.count("* plotly.js v") == 1
    assert len(text.encode()) < 8_000_000


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_embedded_json_cannot_leave_its_script_element_and_reads_back_the_same(value: object) -> None:
    written = page.embedded_json(value)
    assert not re.search("[<>&\u2028\u2029]", written)
    assert json.loads(written) == value


def test_nothing_people_typed_stands_in_the_file_as_html() -> None:
    text = dashboard.render(
        content(title="<i>Q2</i> & more", refresh_id='"><script>alert(9)</script>', snapshot="*/}body{}")
    )
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "<i>Q2" not in text
    assert "Completed commissions &lt;paid&gt;" in text


def test_writing_replaces_what_was_there_and_makes_the_folder(tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "report.html"
    assert dashboard.write(content(3), target) == target
    first = target.read_bytes()
    dashboard.write(content(4), str(target))
    assert target.read_bytes() != first
    assert [file.name for file in target.parent.iterdir()] == ["report.html"]


def test_writing_that_fails_keeps_the_old_file_and_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(page.os, "fsync", full)
    with pytest.raises(AnalyticsError, match="No space left on device"):
        dashboard.write(content(3), target)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("report.html", "old")]


def test_writing_where_a_file_stands_in_the_way_says_so(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(AnalyticsError, match="writing the dashboard to"):
        dashboard.write(content(3), tmp_path / "taken" / "report.html")


# What it says first


def headlines(of: dashboard.DashboardContent) -> dict[str, tuple[str, str]]:
    from si_analytics.dashboard.headlines import headlines

    return {headline.label: (headline.value, headline.note) for headline in headlines(of)}


def test_headlines_are_the_exact_sums_of_the_frames() -> None:
    said = headlines(content())
    assert said["Agent earnings (USD)"][0] == f"{BOARD['total_earnings'].sum():,}"
    assert said["Active recruits"][0] == f"{BOARD['total_referrals'].sum():,}"
    assert said["Invite to first deal"] == ("12.7 %", "1,200 of 9,412 invites sent")


def test_the_latest_month_in_the_headlines_is_one_that_is_over() -> None:
    """As of midnight in Berlin on 1 June, which is 22:00 UTC on 31 May: May is over there, and not yet in UTC."""
    turn = datetime.fromisoformat("2026-05-31T22:00:00+00:00")
    assert "Completed deals (USD), May 2026" in headlines(content(as_of=turn, timezone="Europe/Berlin"))
    assert "Completed deals (USD), Apr 2026" in headlines(content(as_of=turn, timezone="UTC"))


def test_the_latest_month_is_compared_with_the_one_before() -> None:
    """100.00 in April and 93.00 in May is 7.0 % less; nothing in April compares with nothing."""
    months = frames.monthly(2)
    pair = months.with_columns(pl.Series("gmv", ["100.00", "93.00"]).cast(pl.Decimal(38, 2)))
    assert headlines(content(marketplace_monthly=pair))["Completed deals (USD), May 2026"] == (
        "93.00",
        "▼ 7.0 % against Apr 2026",
    )
    none = months.with_columns(pl.Series("gmv", ["0.00", "93.00"]).cast(pl.Decimal(38, 2)))
    assert (
        headlines(content(marketplace_monthly=none))["Completed deals (USD), May 2026"][1]
        == "No month before to compare with"
    )


# In the browser

WRITTEN: dict[str, Callable[[Any], str]] = {
    "number": lambda value: display.MISSING if value is None else f"{value:,}",
    "ratio": display.percent,
    "hours": display.hours,
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


@pytest.mark.browser
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


@pytest.mark.browser
def test_the_page_asks_the_network_for_nothing_and_complains_about_nothing(browser: Browser, report: Path) -> None:
    """Every chart is drawn, every breakdown chosen, an agent opened: one request, for the file itself."""
    with opened(browser, report) as seen:
        for name, by in (("invite", "method"), ("invite", "agent"), ("gig", "month"), ("escrow", "")):
            seen.page.select_option("#funnel-name", name)
            if by:
                seen.page.select_option("#funnel-by", by)
            seen.page.locator("#funnels-chart").scroll_into_view_if_needed()
            seen.page.wait_for_selector("#funnels-chart .main-svg")
        for chart in ("agents-chart", "brands-chart", "growth-chart"):
            seen.page.locator(f"#{chart}").scroll_into_view_if_needed()
            seen.page.wait_for_selector(f"#{chart} .main-svg")
        seen.page.locator("#agents-table tbody button").first.click()
        seen.page.wait_for_selector("#agent-chart .main-svg")
        assert seen.requests == [report.as_uri()]


@pytest.mark.browser
def test_names_are_shown_as_typed_and_nothing_of_them_runs_or_becomes_an_element(
    browser: Browser, report: Path
) -> None:
    with opened(browser, report) as seen:
        names = seen.texts("#agents-table tbody bdi")
        assert names[1 : 1 + len(frames.HOSTILE)] == list(frames.HOSTILE)
        seen.page.locator("#agents-table tbody button").nth(1).click()
        assert seen.texts("#agent-name") == [frames.HOSTILE[0]]
        assert seen.page.locator("bdi *, main img, main a[href^=http]").count() == 0
        seen.page.keyboard.press("Escape")
        seen.page.select_option("#funnel-by", "method")
        assert frames.HOSTILE[0] in [row[0] for row in shown(seen, "funnels")]
        seen.page.locator("#funnels-chart").scroll_into_view_if_needed()
        seen.page.wait_for_selector("#funnels-chart .main-svg")
        assert frames.HOSTILE[0] in "".join(seen.texts("#funnels-chart .textpoint")).replace("\u2068", "").replace(
            "\u2069", ""
        )


@pytest.mark.browser
def test_a_longest_name_never_makes_the_page_scroll_sideways(browser: Browser, report: Path) -> None:
    for width in (320, 390, 1280):
        with opened(browser, report, width=width) as seen:
            for chart in ("agents-chart", "brands-chart", "funnels-chart", "growth-chart"):
                seen.page.locator(f"#{chart}").scroll_into_view_if_needed()
                seen.page.wait_for_selector(f"#{chart} .main-svg")
            assert seen.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.browser
def test_filters_leave_the_rows_the_library_would_and_sum_them_exactly(browser: Browser, report: Path) -> None:
    """Tier gold; then names with both "nunez" and "ko", accents and case aside."""
    with opened(browser, report) as seen:
        seen.page.select_option("#agents-tier", "gold")
        gold = all_agents().filter(pl.col("tier") == "gold")
        assert shown(seen, "agents") == expected(gold, AGENT_CELLS)
        assert seen.texts("#agents-table [data-count]") == [
            f"{gold.height} of 120 agents, earnings USD {gold['total_earnings'].sum():,}"
        ]
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


def downloaded(seen: Watched, table: str) -> tuple[str, list[dict[str, str]]]:
    with seen.page.expect_download() as waiting:
        seen.page.locator(f"#{table}-table [data-csv]").click()
    raw = Path(waiting.value.path()).read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    return waiting.value.suggested_filename, list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


@pytest.mark.browser
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


@pytest.mark.browser
def test_a_download_never_starts_a_formula_and_keeps_what_was_typed(browser: Browser, report: Path) -> None:
    with opened(browser, report) as seen:
        _, rows = downloaded(seen, "agents")
        written = [row["agent_name"] for row in rows[1 : 1 + len(frames.HOSTILE)]]
        assert [name.removeprefix("'") for name in written] == list(frames.HOSTILE)
        assert [name[0] for name in written if name.removeprefix("'")[0] in "=+-@"] == ["'", "'"]
        assert {row["rank_change"] for row in rows} >= {"-4", "4", ""}


@pytest.mark.browser
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


@pytest.mark.browser
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


@pytest.mark.browser
def test_a_link_with_its_fragment_shows_the_same_view(browser: Browser, report: Path) -> None:
    """Filter, search, sort, choose a funnel, open an agent: the address alone brings it all back."""
    with opened(browser, report) as seen:
        seen.page.select_option("#agents-tier", "bronze")
        seen.page.fill("#agents-search", "a&b=c#d?e %")
        seen.page.fill("#agents-search", "an")
        seen.page.locator("#agents-table th button[data-key=total_deals]").click()
        seen.page.fill("#brands-search", "coffee")
        seen.page.select_option("#funnel-name", "invite")
        seen.page.select_option("#funnel-by", "method")
        tables = {table: shown(seen, table) for table in ("brands", "funnels")}
        seen.page.locator("#agents-table tbody button").first.click()
        fragment = seen.page.evaluate("location.hash")
        before = tables, seen.texts("#agent-name")
        assert before[1] != [""]
    with opened(browser, report, fragment) as seen:
        assert seen.page.locator("#agent-dialog").is_visible()
        assert seen.texts("#agent-name") == before[1]
        seen.page.keyboard.press("Escape")
        assert ({table: shown(seen, table) for table in ("brands", "funnels")}, before[1]) == before
        assert seen.page.input_value("#agents-tier") == "bronze"
        assert seen.page.input_value("#agents-search") == "an"
        assert (
            seen.page.locator("#agents-table th[aria-sort=descending] button").get_attribute("data-key")
            == "total_deals"
        )
        seen.page.locator("#reset").click()
        assert seen.page.evaluate("location.hash") in {"", "#"}
        assert len(shown(seen, "agents")) == 120


@pytest.mark.browser
@pytest.mark.parametrize(
    "fragment",
    [
        "#agents?agents.tier=tin&agents.sort=-no_such&agents.open=nobody",
        "#funnels?funnels.name=x&funnels.by=y",
        "#%",
        "#?&=&",
    ],
)
def test_a_fragment_that_makes_no_sense_is_shown_as_the_whole_view(
    browser: Browser, report: Path, fragment: str
) -> None:
    with opened(browser, report, fragment) as seen:
        assert len(shown(seen, "agents")) == 120
        assert seen.page.input_value("#funnel-name") == "invite"
        assert not seen.page.locator("#agent-dialog").is_visible()


@pytest.mark.browser
def test_an_agent_opens_and_closes_by_keyboard_and_the_focus_comes_back(browser: Browser, report: Path) -> None:
    with opened(browser, report) as seen:
        button = seen.page.locator("#agents-table tbody button").nth(4)
        button.focus()
        seen.page.keyboard.press("Enter")
        expect(seen.page.locator("#agent-dialog")).to_be_visible()
        seen.page.wait_for_selector("#agent-chart .main-svg")
        agent = all_agents().to_dicts()[4]
        assert seen.texts("#agent-score") == [f"{agent['performance_score']}"]
        assert f"USD {agent['total_earnings']:,}" in "".join(seen.texts("#agent-chart .annotation"))
        seen.page.keyboard.press("Escape")
        expect(seen.page.locator("#agent-dialog")).to_be_hidden()
        expect(button).to_be_focused()


@pytest.mark.browser
def test_everything_has_a_name_for_those_who_do_not_see_it(browser: Browser, report: Path) -> None:
    with opened(browser, report) as seen:
        assert seen.page.evaluate("document.documentElement.lang") == "en"
        for landmark in ("banner", "navigation", "main", "contentinfo"):
            assert seen.page.get_by_role(landmark).count() == 1  # type: ignore[arg-type]
        unnamed = seen.page.evaluate(
            """() => [...document.querySelectorAll('select, input, button, [role=img], [role=region], section')]
                .filter(element => !(element.labels?.length || element.textContent.trim() && element.matches('button')
                    || element.getAttribute('aria-label') || element.getAttribute('aria-labelledby')))
                .map(element => element.outerHTML.slice(0, 80))"""
        )
        assert unnamed == []
        levels = seen.page.evaluate(
            "[...document.querySelectorAll('main h2, main h3, h1')].map(h => Number(h.tagName[1]))"
        )
        assert levels[0] == 1
        assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
        assert seen.page.locator("table").count() == seen.page.locator("table > caption").count() == 5
        assert seen.page.locator("tbody tr:not(:has(th[scope=row]))").count() == 0
        ids = seen.page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
        assert len(set(ids)) == len(ids)


@pytest.mark.browser
def test_sections_are_reached_by_keyboard_and_the_current_one_is_said(browser: Browser, report: Path) -> None:
    with opened(browser, report) as seen:
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.textContent") == "Skip to the figures"
        seen.page.locator("nav a[href='#funnels']").focus()
        seen.page.keyboard.press("Enter")
        assert seen.page.evaluate("document.activeElement.id") == "funnels-title"
        assert seen.texts("nav a[aria-current]") == ["Funnels"]
        assert seen.page.evaluate("location.hash") == "#funnels"


@pytest.mark.browser
def test_dark_readers_get_dark_charts_and_paper_gets_light_ones(browser: Browser, report: Path) -> None:
    paper = "document.querySelector('#overview-agents .main-svg').style.background"
    with opened(browser, report, scheme="dark") as seen:
        assert seen.page.evaluate(paper) == "rgb(21, 27, 37)"
        seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert seen.page.evaluate(paper) == "rgb(255, 255, 255)"
        seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert seen.page.evaluate(paper) == "rgb(21, 27, 37)"
        seen.page.emulate_media(color_scheme="light")
        chart = seen.page.locator("#overview-agents .main-svg").first
        expect(chart).to_have_css("background-color", "rgb(255, 255, 255)")


@pytest.mark.browser
def test_paper_carries_where_the_figures_come_from_and_the_filters_in_force(browser: Browser, report: Path) -> None:
    with opened(browser, report) as seen:
        seen.page.select_option("#agents-tier", "gold")
        seen.page.fill("#brands-search", 'x"; } body { display: none } \\')
        rules = "() => [...document.querySelector('style').sheet.cssRules].map(rule => rule.cssText).join(' ')"
        at_rest = seen.page.evaluate(rules)
        seen.page.evaluate(
            "addEventListener('beforeprint', () => { window.charts = document.querySelectorAll('.main-svg').length })"
        )
        printed = seen.page.pdf(format="A4")
        assert printed.startswith(b"%PDF")
        assert seen.page.evaluate("window.charts") >= 6
        seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        on_paper = seen.page.evaluate(rules)
        assert "Filters: agents of tier gold" in on_paper
        assert "2026-06-01 00:00:00 UTC" in on_paper
        assert "01J9ZK4T6Q2" in on_paper
        assert seen.page.evaluate("getComputedStyle(document.body).display") == "block"
        seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert seen.page.evaluate(rules) == at_rest
        footer = "".join(seen.texts("footer"))
        assert "snapshot 812:815: · refresh 01J9ZK4T6Q2" in footer
        assert "agents of tier gold" in footer


@pytest.mark.browser
def test_a_marketplace_without_anything_says_so_everywhere(browser: Browser, tmp_path: Path) -> None:
    empty = content(
        0,
        conversion_funnels=frames.funnels().clear(),
        funnels_by_breakdown={},
        marketplace_monthly=None,
        warnings=frames.warnings().clear(),
        definitions={},
    )
    with opened(browser, dashboard.write(empty, tmp_path / "report.html")) as seen:
        assert shown(seen, "agents") == [["No agents yet."]]
        assert shown(seen, "brands") == [["No brands yet."]]
        assert shown(seen, "funnels") == [["No rows yet."]]
        assert seen.texts("#agents-table [data-count]") == ["0 agents, earnings USD 0.00"]
        assert "No check was handed to this report." in "".join(seen.texts("#quality"))
        assert seen.page.locator("#growth").count() == 0
        assert "No agents yet." in "".join(seen.texts("#overview-agents"))


@pytest.mark.browser
def test_five_thousand_agents_open_quickly_and_list_a_few_at_a_time(browser: Browser, tmp_path: Path) -> None:
    """Two seconds on a free machine; the bound leaves room for tests that run beside this one."""
    path = dashboard.write(content(5000), tmp_path / "report.html")
    with opened(browser, path) as seen:
        assert (
            seen.page.evaluate("performance.timing.domContentLoadedEventEnd - performance.timing.navigationStart")
            < 8000
        )
        assert seen.page.locator("#agents-table tbody tr").count() == 20
        seen.page.locator("#agents-table [data-more]").click()
        assert seen.page.locator("#agents-table tbody tr").count() == 120
        assert "The first 120 of 5,000 are listed." in "".join(seen.texts("#agents-table [data-listed]"))
        assert seen.page.evaluate("document.activeElement === document.querySelectorAll('#agents-table tbody tr')[20]")
        assert len(shown(seen, "agents")) == 5000
