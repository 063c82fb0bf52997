"""The dashboard opened from disk in a real browser, with the network off."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from si_analytics.reports import dashboard
from tests.support import dashboard_frames as frames
from tests.support.dashboards import all_agents, content, opened, shown

pytestmark = pytest.mark.browser


A4_PIXELS = 703  # between its margins
SETTLED = 300  # milliseconds: longer than the page waits for scrolling to end

RESIZED = """async width => {
    for (let frame = 0; frame < 600; frame += 1) {
        if (document.querySelector('#growth-chart .main-svg').getBoundingClientRect().width > width / 2) return true;
        await new Promise(requestAnimationFrame);
    }
    return false;
}"""


# Types an address into the open page, and gives the one that stands there once the page has taken it.
TYPED = """async fragment => {
    if (fragment === location.hash) return location.hash;
    const taken = new Promise(resolve => addEventListener("hashchange", resolve, { once: true }));
    location.hash = fragment;
    await taken;
    return location.hash;
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dashboard.write(content(), tmp_path_factory.mktemp("dashboard") / "report.html")


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


def test_a_longest_name_never_makes_the_page_scroll_sideways(browser: Browser, report: Path) -> None:
    with opened(browser, report, width=320) as seen:
        for chart in ("agents-chart", "brands-chart", "funnels-chart", "growth-chart"):
            seen.page.locator(f"#{chart}").scroll_into_view_if_needed()
            seen.page.wait_for_selector(f"#{chart} .main-svg")
        for width in (320, 390, 1280):
            seen.page.set_viewport_size({"width": width, "height": 900})
            assert seen.page.evaluate(RESIZED, width), f"the charts never took the width of {width}"
            assert seen.page.evaluate("document.documentElement.scrollWidth") == width


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
        assert seen.page.evaluate("location.hash") == "#agents"
        assert len(shown(seen, "agents")) == 120


def test_a_fragment_that_makes_no_sense_is_shown_as_the_whole_view(browser: Browser, report: Path) -> None:
    """Opened with one, then typed into the address of the page that is open."""
    first = "#agents?agents.tier=tin&agents.sort=-no_such&agents.open=nobody&period=last-century&growth.months=x"
    with opened(browser, report, first) as seen:
        for fragment in (first, "#funnels?funnels.name=x&funnels.by=y", "#%", "#?&=&"):
            assert seen.page.evaluate(TYPED, fragment) == fragment
            seen.page.wait_for_timeout(SETTLED)
            assert len(shown(seen, "agents")) == 120
            assert seen.page.input_value("#funnel-name") == "invite"
            assert not seen.page.locator("#agent-dialog").is_visible()


def test_an_address_typed_into_the_open_page_shows_its_section_and_stays_as_typed(
    browser: Browser, report: Path
) -> None:
    """Also after the page has settled where it scrolled to."""
    with opened(browser, report, "#brands") as seen:
        for fragment in ("#funnels?funnels.name=gig", "#agents?agents.tier=gold", "#overview"):
            seen.page.evaluate(TYPED, fragment)
            expect(seen.page.locator(f"{fragment.partition('?')[0]}-title")).to_be_in_viewport()
            seen.page.wait_for_timeout(SETTLED)
            assert seen.page.evaluate("location.hash") == fragment
        assert seen.page.input_value("#funnel-name") == "invite"


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


def test_sections_are_reached_by_keyboard_and_the_current_one_is_said(browser: Browser, report: Path) -> None:
    with opened(browser, report) as seen:
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.textContent") == "Skip to the figures"
        seen.page.locator("nav a[href='#funnels']").focus()
        seen.page.keyboard.press("Enter")
        assert seen.page.evaluate("document.activeElement.id") == "funnels-title"
        assert seen.texts("nav a[aria-current]") == ["Funnels"]
        assert seen.page.evaluate("location.hash") == "#funnels"


def test_whoever_scrolls_is_told_the_section_in_sight_and_shares_it(browser: Browser, report: Path) -> None:
    with opened(browser, report, "#overview?brands.q=coffee") as seen:
        current = seen.page.locator("nav a[aria-current]")
        expect(current).to_have_text("Overview")
        for section, label in (("brands", "Brands"), ("growth", "Growth"), ("overview", "Overview")):
            seen.page.evaluate("id => scrollTo(0, document.getElementById(id).offsetTop - 60)", section)
            expect(current).to_have_text(label)
            assert seen.page.evaluate("location.hash") == f"#{section}?brands.q=coffee"


def test_nothing_moves_under_a_reader_when_the_charts_above_are_drawn(browser: Browser, report: Path) -> None:
    with opened(browser, report, "#funnels") as seen:
        seen.page.wait_for_selector("#funnels-chart .main-svg")
        whole = "document.documentElement.scrollHeight"
        before = seen.page.evaluate(whole)
        for chart in ("agents-chart", "brands-chart", "growth-chart"):
            seen.page.locator(f"#{chart}").scroll_into_view_if_needed()
            seen.page.wait_for_selector(f"#{chart} .main-svg")
        assert seen.page.evaluate(whole) == before


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
        seen.page.emulate_media(media="print")
        seen.page.set_viewport_size({"width": A4_PIXELS, "height": 900})
        assert seen.page.evaluate("document.documentElement.scrollWidth") == A4_PIXELS  # else the browser shrinks all
        seen.page.emulate_media(media="screen")
        seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert seen.page.evaluate(rules) == at_rest
        footer = "".join(seen.texts("footer"))
        assert "snapshot 812:815: · refresh 01J9ZK4T6Q2" in footer
        assert "agents of tier gold" in footer


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
        assert shown(seen, "funnels") == [["No stages yet."]]
        assert seen.texts("#agents-table [data-count]") == ["0 agents, earnings USD 0.00"]
        assert "No check was handed to this report." in "".join(seen.texts("#quality"))
        assert seen.page.locator("#growth").count() == 0
        assert "No agents yet." in "".join(seen.texts("#overview-agents"))


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
