"""The site that `make docs` builds: whole, ordered by reader, and used from disk in a real browser."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from docs.building import links
from tests.support.browsing import open_file, watched
from tests.support.folders import ROOT

BUILDING = ROOT / "docs" / "building"
READERS = ["For analysts", "For the growth team", "For operators", "For developers"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site, with the outputs of the tour; `test_notebooks.py` runs the other notebooks too."""
    out = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, str(BUILDING / "build.py"), str(out), "--run", "tour"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


class Targets(HTMLParser):
    """What a page links, and what it loads by itself."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.linked: list[str] = []
        self.loaded: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name in {"href", "src"}:
                (self.linked if tag == "a" else self.loaded).append(value)


def pages(site: Path) -> list[Path]:
    return [page for page in sorted(site.rglob("*.html")) if page.name != "dashboard.html" or page.parent != site]


def test_every_page_and_notebook_is_on_the_site(site: Path) -> None:
    written = [*links.pages(), *(ROOT / "notebooks").glob("*.ipynb")]
    expected = {page.relative_to(ROOT).with_suffix(".html") for page in written}
    assert len(expected) > 40
    assert expected <= {page.relative_to(site) for page in pages(site)}
    assert (site / "index.html").exists()


def test_every_link_of_the_site_leads_to_a_file_in_it_and_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in pages(site):
        targets = Targets(page)
        assert [one for one in targets.loaded if urlsplit(one).netloc] == [], page
        for one in map(urlsplit, targets.linked + targets.loaded):
            if not one.scheme and not one.netloc and one.path:
                found = (page.parent / unquote(one.path)).resolve()
                assert found.is_file(), f"{page.relative_to(site)}: {one.path}"
                assert found.is_relative_to(site.resolve()), f"{page.relative_to(site)}: {one.path}"


@pytest.mark.parametrize("name", ["analysts", "growth", "operators", "developers"])
def test_a_reader_s_page_begins_with_what_they_can_do(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    first = text.split("\n\n")[1:3]
    assert "you can" in first[0]
    assert first[1].startswith("- ")


def test_links_that_lead_nowhere_and_a_page_that_nothing_leads_to_fail_the_build(tmp_path: Path) -> None:
    """Three pages: the first lists the second and has three bad links, the third is found by nobody."""
    (tmp_path / "docs").mkdir()
    listed = "| a | b |\n|---|---|\n| [Other](other.md) | it |\n\n"
    bad = "[gone](gone.md) [gone](other.md#nowhere) ![gone](gone.png)\n"
    (tmp_path / "docs" / "README.md").write_text(f"# First\n\n{listed}{bad}", encoding="utf-8")
    (tmp_path / "docs" / "other.md").write_text("# Other\n", encoding="utf-8")
    (tmp_path / "docs" / "alone.md").write_text("# Alone\n", encoding="utf-8")
    places = ["--conf-dir", str(BUILDING), str(tmp_path), str(tmp_path / "out")]
    command = [sys.executable, "-m", "sphinx", "--builder", "dummy", "--quiet", "--fail-on-warning", *places]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1
    for page, fault in (("README", "gone.md"), ("README", "nowhere"), ("README", "gone.png"), ("alone", "toctree")):
        assert [line for line in done.stderr.splitlines() if f"{page}.md" in line and fault in line], fault
    assert len(done.stderr.splitlines()) == 4


def opens(page: Page, path: Path) -> None:
    page.goto(path.as_uri())
    page.wait_for_load_state("load")


@pytest.mark.browser
def test_the_site_opens_from_disk_with_its_readers_in_order(browser: Browser, site: Path) -> None:
    with watched(browser) as seen:
        opens(seen.page, site / "index.html")
        seen.page.wait_for_url("**/docs/README.html")
        found = [text.strip() for text in seen.texts(".sidebar-tree .toctree-l1 > a")]
        assert found == ["The project", *READERS, "The sample's dashboard, live"]
        seen.page.get_by_role("link", name="For operators").first.click()
        seen.page.get_by_role("heading", name="For operators").wait_for()
        assert_stayed_on_disk(seen.requests, seen.trouble)


@pytest.mark.browser
def test_the_search_finds_pages_functions_and_words_of_notebooks(browser: Browser, site: Path) -> None:
    with watched(browser) as seen:
        for asked, page in {
            "row-level security": "docs/least-privilege.html",
            "agent_leaderboard": "docs/api.html#si_analytics.query.warehouse.Warehouse.agent_leaderboard",
            "marketplace tour": "notebooks/tour.html",
        }.items():
            opens(seen.page, site / "docs" / "README.html")
            seen.page.get_by_placeholder("Search").first.fill(asked)
            seen.page.keyboard.press("Enter")
            seen.page.locator(f"#search-results a[href^='{page}']").first.wait_for()
        seen.page.locator("#search-results a[href^='notebooks/tour.html']").first.click()
        seen.page.get_by_role("heading", name="A tour of the marketplace").wait_for()
        assert_stayed_on_disk(seen.requests, seen.trouble)


@pytest.mark.browser
def test_a_notebook_shows_its_tables_and_draws_its_figures(browser: Browser, site: Path) -> None:
    with watched(browser) as seen:
        opens(seen.page, site / "notebooks" / "tour.html")
        plots = seen.page.locator(".cell_output .js-plotly-plot")
        seen.page.locator(".cell_output .js-plotly-plot .main-svg").first.wait_for()
        assert plots.count() >= 4
        assert seen.page.locator(".cell_output .js-plotly-plot:has(.main-svg)").count() == plots.count()
        width = seen.page.locator(".content").first.evaluate("element => element.clientWidth")
        assert all(plot.evaluate("element => element.clientWidth") <= width for plot in plots.all())
        assert seen.page.locator(".cell_output .gt_table").count() >= 4
        assert_stayed_on_disk(seen.requests, seen.trouble)


@pytest.mark.browser
def test_the_python_api_has_every_public_name_with_its_docstring(browser: Browser, site: Path) -> None:
    import si_analytics
    from si_analytics import charts, tables
    from si_analytics.query.warehouse import Warehouse

    with watched(browser) as seen:
        opens(seen.page, site / "docs" / "api.html")
        described = set(seen.page.locator("dt.sig").evaluate_all("found => found.map(element => element.id)"))
        home = "si_analytics.query.warehouse.Warehouse"
        names = {f"{home}.{name}" for name in vars(Warehouse) if not name.startswith("_")}
        names |= {f"{module.__name__}.{name}" for module in (charts, tables) for name in module.__all__}
        names |= {home, *(f"si_analytics.{name}" for name in si_analytics.__all__ if name not in {"Warehouse"})}
        assert names - described == {"si_analytics.charts", "si_analytics.tables"}
        method = seen.page.locator(f"dl:has(> dt[id='{home}.agent_leaderboard'])")
        assert "Agents ranked by commission" in method.inner_text()
        assert ">>> warehouse.agent_leaderboard(" in method.inner_text()
        assert_stayed_on_disk(seen.requests, seen.trouble)


@pytest.mark.browser
def test_the_dashboard_opens_from_the_growth_team_s_page(browser: Browser, site: Path) -> None:
    with watched(browser) as seen:
        opens(seen.page, site / "docs" / "growth.html")
        seen.page.get_by_role("link", name="Open the sample's dashboard").click()
        seen.page.wait_for_selector("html[data-ready]")
        seen.page.wait_for_selector(".main-svg", state="attached")
        assert_stayed_on_disk(seen.requests, seen.trouble)
        open_file(seen, site / "dashboard.html", "#agents")
        assert_stayed_on_disk(seen.requests, seen.trouble)


def assert_stayed_on_disk(requests: list[str], trouble: list[str]) -> None:
    assert requests
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert trouble == []
