"""The dashboard of a real warehouse, in a real browser with the network off: whatever is filtered, its numbers are
those the library gives for the same question, and its downloads are the library's rows."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from si_analytics import formatting, refresh, sample
from si_analytics.query import warehouse as query_warehouse
from si_analytics.reports import export
from si_analytics.settings import Settings
from tests.support.browsing import Watched, open_file, watched
from tests.support.dashboard_frames import HOSTILE
from tests.support.dashboards import FUNNEL_CELLS, MONTH_CELLS, expected, shown

pytestmark = pytest.mark.browser
AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
PERIODS = ("last 30 days", "last 90 days", "last 365 days")
BOARD_CELLS = {
    "rank": "number",
    "rank_change": "movement",
    "agent_name": "typed",
    "tier": "tier",
    "total_earnings": "number",
    "total_deals": "number",
    "total_referrals": "number",
}


NINETY, NINETY_BEFORE = ("2026-03-03", "2026-06-01"), ("2025-12-03", "2026-03-03")


@pytest.fixture(scope="module")
def using(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """A small sample marketplace whose agents and brands bear names that nobody should have typed."""
    home = tmp_path_factory.mktemp("library")
    url = create_database(schema_template)
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[arg-type, call-arg]
    sample.generate(made, scale=0.05)
    with psycopg.connect(url, autocommit=True) as connection:
        for ids, rename in (
            ("select user_id from agent_profiles order by 1", "update users set name = %s where id = %s"),
            (
                "select user_id from sponsor_profiles order by 1",
                "update sponsor_profiles set company = %s where user_id = %s",
            ),
        ):
            for (user_id,), name in zip(connection.execute(ids).fetchall(), HOSTILE, strict=False):
                connection.execute(rename, [name[:200], user_id])
    refresh.run(made, as_of=AS_OF)
    return made


@pytest.fixture(scope="module")
def warehouse(using: Settings) -> Iterator[query_warehouse.Warehouse]:
    with query_warehouse.connect(using) as opened:
        yield opened


@pytest.fixture(scope="module")
def report(using: Settings) -> Path:
    return export.dashboard(using)


@pytest.fixture(scope="module")
def page(browser: Browser, report: Path) -> Iterator[Watched]:
    """The report, opened once for all tests; in the end it asked the network for nothing and complained of nothing."""
    with watched(browser) as seen:
        open_file(seen, report)
        yield seen
        assert seen.requests == [report.as_uri()]
        assert seen.trouble == []


def view(seen: Watched, **filters: str) -> None:
    """Shows the view of these filters, as a shared address does."""
    named = {name.replace("_", ".", 1): value for name, value in filters.items()}
    fragment = "&".join(f"{key}={quote(value)}" for key, value in sorted(named.items()))
    seen.page.evaluate(
        "fragment => { location.hash = fragment; dispatchEvent(new Event('hashchange')) }", f"#?{fragment}"
    )


def key(period: str) -> str:
    return period.replace(" ", "-")


def board(frame: pl.DataFrame) -> list[list[str]]:
    kinds = {**BOARD_CELLS, "tier": "typed"}
    return [
        [formatting.MISSING if cell == "(no name)" and at == 3 else cell for at, cell in enumerate(row)]
        for row in expected(frame, kinds)
    ]


@pytest.mark.parametrize("period", PERIODS)
def test_a_period_shows_the_board_and_the_sums_that_the_library_gives_for_it(
    page: Watched, warehouse: query_warehouse.Warehouse, period: str
) -> None:
    view(page, period=key(period))
    frame = warehouse.agent_leaderboard(during=period)
    assert shown(page, "agents") == board(frame)
    total = frame["total_earnings"].sum()
    assert page.texts("#agents-table [data-count]") == [f"{frame.height} agents, earnings USD {total:,}"]
    cards = dict(zip(page.texts("#headlines dt"), page.texts("#headlines .value"), strict=True))
    invites = warehouse.funnel("invite", during=period)
    assert cards["Agent earnings (USD)"] == f"{total:,}"
    assert cards["New active recruits"] == f"{frame['total_referrals'].sum():,}"
    activity = warehouse.marketplace_activity(during=period)
    assert cards["Completed deals (USD)"] == f"{activity['gmv'][0]:,}"
    assert cards["New deals"] == f"{activity['new_deals'][0]:,}"
    assert cards["Net revenue (USD)"] == f"{activity['net_revenue'][0]:,}"
    assert cards["Invites sent"] == f"{invites['reached'][0]:,}"


def test_headlines_of_a_period_are_against_the_window_as_long_before_it(
    page: Watched, warehouse: query_warehouse.Warehouse
) -> None:
    """Of 3 March to 31 May against 3 December to 2 March, ninety days each."""
    view(page, period="last-90-days")
    gmv = [warehouse.marketplace_activity(*days)["gmv"][0] for days in (NINETY, NINETY_BEFORE)]
    change = gmv[0] / gmv[1] - 1
    note = f"{'▲' if change > 0 else '▼'} {formatting.percent(abs(change))} against the 90 days before"
    assert page.texts("#headlines .note")[0] == note
    now = warehouse.agent_leaderboard(*NINETY)["total_earnings"].sum()
    before = warehouse.agent_leaderboard(*NINETY_BEFORE)["total_earnings"].sum()
    assert before > 0
    change = Decimal(now) / Decimal(before) - 1
    at = page.texts("#headlines dt").index("Agent earnings (USD)")
    note = page.texts("#headlines .note")[at]
    assert note == f"{'▲' if change > 0 else '▼'} {formatting.percent(abs(change))} against the 90 days before"


def test_a_tier_within_a_period_shows_what_the_library_gives_for_both(
    page: Watched, warehouse: query_warehouse.Warehouse
) -> None:
    whole = warehouse.agent_leaderboard()
    tiers = whole["tier"].drop_nulls().unique().sort().to_list()
    assert len(tiers) > 1
    for tier in tiers:
        view(page, period="last-365-days", agents_tier=tier)
        frame = warehouse.agent_leaderboard(during="last 365 days", tier=tier)
        assert 0 < frame.height < whole.height
        assert shown(page, "agents") == board(frame)


def test_a_search_shows_the_agents_and_brands_whose_names_have_it(
    page: Watched, warehouse: query_warehouse.Warehouse
) -> None:
    view(page, agents_q="alert(1)", brands_q="hyperlink")
    agents = warehouse.agent_leaderboard().filter(pl.col("agent_name").str.contains("alert(1)", literal=True))
    assert [row[1:2] for row in shown(page, "agents")] == [[name] for name in agents["agent_name"].to_list()] != []
    brands = warehouse.brand_reputations().filter(pl.col("company").str.contains("HYPERLINK"))
    assert [row[1] for row in shown(page, "brands")] == brands["company"].to_list() != []


@pytest.mark.parametrize(
    ("name", "by", "period"),
    [
        ("invite", None, "last 90 days"),
        ("invite", "method", None),
        ("invite", "contact_segment", "last 365 days"),
        ("gig", "category", "last 90 days"),
        ("application", "month", None),
        ("negotiation", "sponsor_industry", "last 365 days"),
        ("escrow", "currency", "last 30 days"),
    ],
)
def test_a_funnel_shows_what_the_library_gives_for_its_breakdown_and_period(
    page: Watched, warehouse: query_warehouse.Warehouse, name: str, by: str | None, period: str | None
) -> None:
    view(page, funnels_name=name, **({"funnels_by": by} if by else {}), **({"period": key(period)} if period else {}))
    frame = warehouse.funnel(name, by=by, during=period)
    kinds = {"breakdown_value": "typed", **FUNNEL_CELLS} if by else FUNNEL_CELLS
    rows = shown(page, "funnels")
    assert sorted(rows) == sorted(expected(frame, kinds))
    assert rows or frame.is_empty()


def test_a_choice_of_months_shows_the_librarys_last_months(page: Watched, warehouse: query_warehouse.Warehouse) -> None:
    view(page, growth_months="6")
    months = warehouse.marketplace_monthly()
    assert shown(page, "growth") == expected(months.tail(6).reverse(), MONTH_CELLS)
    page.page.locator("#growth-chart").scroll_into_view_if_needed()
    page.page.wait_for_selector("#growth-chart .main-svg")
    drawn = page.page.evaluate("document.getElementById('growth-chart').data[0].y")
    assert drawn == [float(value) for value in months.tail(6)["gmv"].to_list()]


def downloaded(seen: Watched, table: str) -> tuple[str, list[dict[str, str]]]:
    with seen.page.expect_download() as waiting:
        seen.page.locator(f"#{table}-table [data-csv]").click()
    text = waiting.value.path().read_bytes().decode("utf-8-sig")
    return waiting.value.suggested_filename, list(csv.DictReader(text.splitlines(keepends=True)))


def written(value: Any) -> str:
    """A cell as a CSV file has it; what a spreadsheet would read as a formula starts with an apostrophe."""
    if isinstance(value, str) and value.lstrip()[:1] in {"=", "+", "-", "@"}:
        return f"'{value}"
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def rows_of(frame: pl.DataFrame, names: list[str]) -> list[dict[str, str]]:
    return [{name: written(row[name]) for name in names} for row in frame.to_dicts()]


def test_a_download_holds_the_librarys_rows_of_the_filters_in_force_and_no_formula(
    page: Watched, warehouse: query_warehouse.Warehouse
) -> None:
    view(page, period="last-365-days", agents_tier="bronze", agents_sort="-total_deals")
    name, rows = downloaded(page, "agents")
    board_ = warehouse.agent_leaderboard(during="last 365 days", tier="bronze")
    in_order = board_.sort(["total_deals", "rank"], descending=[True, False])
    assert rows == rows_of(in_order, list(rows[0]))
    assert set(rows[0]) == {*warehouse.agent_leaderboard(during="last 365 days").columns} - {"avatar"}
    assert name == "agents_2026-06-01_last-365-days_bronze.csv"
    view(page)
    every = downloaded(page, "agents")[1]
    assert [row["agent_name"] for row in every if row["agent_name"].startswith("'")] != []
    view(page, funnels_name="gig", funnels_by="category", period="last-90-days")
    _, rows = downloaded(page, "funnels")
    frame = warehouse.funnel("gig", by="category", during="last 90 days")
    names = [column for column in rows[0] if column != "called"]
    kept = [{name: row[name] for name in names} for row in rows]
    assert sorted(kept, key=str) == sorted(rows_of(frame, names), key=str)


def test_what_was_left_out_what_was_read_and_how_old_it_is_are_said(
    page: Watched, warehouse: query_warehouse.Warehouse
) -> None:
    view(page)
    left = {row[0]: row[1:] for row in shown(page, "left-out")}
    query = (
        "select lower(trim(currency)) as code, count(*) as rows from raw.transactions where status = 'completed'"
        " and type in ('agent_commission', 'commission_deduct', 'refund') and lower(trim(currency)) <> 'usd' group by 1"
    )
    assert {code: row[0] for code, row in left.items()} == {
        code: f"{rows:,}" for code, rows in warehouse.sql(query).iter_rows()
    }
    assert left
    read = {row[0]: row[1] for row in shown(page, "sources")}
    assert read["transactions"] == f"{warehouse.sql('select count(*) as n from raw.transactions').item():,}"
    assert "as of 2026-06-01 00:00:00 UTC, " in "".join(page.texts("#freshness"))
    assert "before this page was opened" in "".join(page.texts("#freshness"))


def test_what_each_column_means_is_in_the_file_as_the_library_describes_it(
    page: Watched, warehouse: query_warehouse.Warehouse
) -> None:
    page.page.locator(".meanings summary", has_text="of Brand reputations").click()
    shown_ = page.texts(".meanings details[open] li")
    described = warehouse.describe("brand_reputations").select("column", "unit", "meaning").iter_rows()
    assert shown_ == [f"{name}{f' ({unit})' if unit else ''}: {meaning}" for name, unit, meaning in described]


def test_the_period_and_its_days_are_printed_with_the_other_filters(page: Watched) -> None:
    view(page, period="last-30-days", growth_months="12")
    footer = "".join(page.texts("footer"))
    assert "period last 30 days, 2 May to 31 May 2026" in footer
    assert "growth of the last 12 months" in footer
    view(page, period="last-century")
    assert "period" not in "".join(page.texts("[data-filters]"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_those_who_do_not_see_or_point_find_nothing_seriously_wrong(
    browser: Browser, report: Path, scheme: str
) -> None:
    """axe over every section, with a period chosen; then over an agent that is open."""
    with watched(browser, scheme=scheme) as seen:
        open_file(seen, report, "#overview?period=last-90-days&funnels.by=method")
        draw_all(seen)
        assert serious(seen) == []
        seen.page.locator("#agents-table tbody button").first.click()
        seen.page.wait_for_selector("#agent-chart .main-svg")
        assert serious(seen) == []


def draw_all(seen: Watched) -> None:
    """Every chart, as if the reader had scrolled past it."""
    seen.page.evaluate("dispatchEvent(new Event('beforeprint')); dispatchEvent(new Event('afterprint'))")
    assert (
        seen.page.locator(".plot:visible").count() == seen.page.locator(".plot:visible .main-svg:first-child").count()
    )


def serious(seen: Watched) -> list[str]:
    found = Axe().run(seen.page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:120]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


def test_the_policy_keeps_whatever_would_run_in_the_page_off_the_network(browser: Browser, report: Path) -> None:
    """Asked for by hand: a fetch, a picture, a frame, a script, a form; each is stopped by the page's own policy."""
    with watched(browser) as seen:
        answered: list[str] = []
        seen.page.on("requestfinished", lambda request: answered.append(request.url))
        open_file(seen, report)
        stopped = seen.page.evaluate(
            """async () => {
                const found = [];
                addEventListener('securitypolicyviolation', event => found.push(event.effectiveDirective));
                await fetch('https://example.org/').catch(() => {});
                for (const [tag, name] of [['img', 'src'], ['iframe', 'src'], ['script', 'src']]) {
                    const element = document.createElement(tag);
                    element[name] = 'https://example.org/';
                    document.body.append(element);
                }
                await new Promise(done => setTimeout(done, 200));
                return found.sort();
            }"""
        )
        assert stopped == ["connect-src", "frame-src", "img-src", "script-src-elem"]
        assert answered == [report.as_uri()]


def test_on_a_phone_nothing_scrolls_sideways_in_any_period(browser: Browser, report: Path) -> None:
    with watched(browser, width=390) as seen:
        open_file(seen, report, "#overview?period=last-30-days&funnels.by=contact_segment")
        draw_all(seen)
        assert seen.page.evaluate("document.documentElement.scrollWidth") == 390
        assert seen.trouble == []
