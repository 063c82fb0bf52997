"""A panel of the dashboard is one declaration: template and scripts know none by name, and one more changes no file."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser

import si_analytics as si
from si_analytics import charts
from si_analytics.errors import UsageError
from si_analytics.reports import dashboard
from si_analytics.reports.dashboard import page, plots, sources
from si_analytics.reports.dashboard.cells import PanelTable, TableColumn
from si_analytics.reports.dashboard.filters import Choice, Search
from si_analytics.reports.dashboard.kpis import TILES, Tile
from si_analytics.reports.dashboard.panel import Chart, Drawing, Listing, Panel
from si_analytics.reports.dashboard.panels import PANELS
from tests.support.browsing import open_file, watched
from tests.support.dashboards import content

STATIC = resources.files("si_analytics.reports.dashboard") / "static"
SCRIPTS = {file.name: file.read_text(encoding="utf-8") for file in STATIC.iterdir() if file.name.endswith(".js")}
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([a-z]+\.js)";$', re.MULTILINE)
_DEFINED = re.compile(r"^(export )?(?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)

# One declaration


def _earnings_by_agent(content: dashboard.DashboardContent, _: dashboard.Period | None) -> PanelTable:
    columns = (
        TableColumn("agent_name", "Recruiter", "name"),
        TableColumn("tier", "Tier", "tier"),
        TableColumn("rank", "Place"),
    )
    return PanelTable.of(content.frame("recruiters").sort("rank"), columns, "recruiter", "recruiters")


def _bars(content: dashboard.DashboardContent, _: dashboard.Period | None) -> dict[str, plots.Figure]:
    board = content.frame("recruiters")
    return {"": plots.ranked(charts.leaderboard(board, top=board.height), board.height, board.height)}


def recruiters(asked: list[str]) -> Panel:
    """A panel that no file knows: where its data come from, its table, its chart and two filters."""

    def ask(warehouse: si.Warehouse) -> pl.DataFrame:
        asked.append("asked")
        return warehouse.agent_leaderboard().filter(pl.col("total_earnings") > 0)

    return Panel(
        name="recruiters",
        section="brands",
        title="Recruiters, in {currency}",
        sentence="Bar chart of those who recruited; the table below holds the same figures",
        sources=(sources.PanelData(name="recruiters", ask=ask, tables=lambda: ("metrics.agent_leaderboard",)),),
        filters=(
            Choice(
                name="recruiters.tier",
                element="recruiters-tier",
                label="Tier of recruiter",
                column="tier",
                offers=lambda content: [
                    (tier, tier) for tier in content.frame("recruiters")["tier"].unique().sort().to_list()
                ],
                anything="Every tier",
                printed="recruiters of tier {}",
            ),
            Search(
                name="recruiters.q",
                element="recruiters-search",
                columns=("agent_name",),
                placeholder="Name",
                printed="recruiters called “{}”",
            ),
        ),
        chart=Chart(drawing=Drawing("recruiters", _bars), ranked=True, nobody="Nobody recruits."),
        table=Listing(rows=_earnings_by_agent, caption="Recruiters by place", sort="rank"),
    )


@pytest.mark.browser
def test_one_declaration_adds_a_panel_with_its_title_table_chart_and_filters(browser: Browser, tmp_path: Path) -> None:
    """Two panels and a tile of one source: the warehouse is asked once, and each shows what it answered."""
    asked: list[str] = []
    panel = recruiters(asked)
    tile = Tile(
        label="Recruiters",
        sources=panel.sources,
        whole=lambda content: (str(content.frame("recruiters").height), "", ""),
    )
    declared = {"panels": (*PANELS, panel), "tiles": (*TILES, tile)}
    with si.sample_warehouse() as warehouse:
        board = warehouse.agent_leaderboard().filter(pl.col("total_earnings") > 0)
        gathered = dashboard.gather(warehouse, **declared)
    assert asked == ["asked"]
    path = dashboard.write(gathered, tmp_path / "report.html", **declared)
    tier = board["tier"][0]
    with watched(browser) as seen:
        open_file(seen, path, "#brands")
        names = board["agent_name"].to_list()
        assert seen.texts("#recruiters-table tbody th")[: min(20, board.height)] == names[:20]
        assert "Recruiters, in USD" in seen.texts("#brands h3")
        assert dict(zip(seen.texts("#headlines dt"), seen.texts("#headlines .value"), strict=True))[
            "Recruiters"
        ] == str(board.height)
        seen.page.locator("#recruiters-chart").scroll_into_view_if_needed()
        seen.page.wait_for_selector("#recruiters-chart .main-svg")
        seen.page.select_option("#recruiters-tier", tier)
        of_tier = board.filter(pl.col("tier") == tier)
        assert seen.texts("#recruiters-table [data-count]") == [f"{of_tier.height} of {board.height} recruiters"]
        assert f"recruiters of tier {tier}" in "".join(seen.texts("footer"))
        assert seen.page.evaluate("location.hash") == f"#brands?recruiters.tier={tier}"
        assert seen.trouble == []


def test_a_panel_whose_data_nobody_brought_is_left_out_and_so_is_a_section_without_any() -> None:
    told = dashboard.render(content(3, marketplace_monthly=None), panels=(*PANELS, recruiters([])))
    assert 'id="recruiters-table"' not in told
    assert 'id="growth"' not in told
    assert 'href="#growth"' not in told


def test_a_panel_of_a_section_that_is_not_there_is_refused() -> None:
    lost = Panel(name="lost", section="nowhere", title="", sentence="", sources=(sources.CHECKS,))
    with pytest.raises(UsageError, match="the panel lost: the dashboard has no section nowhere"):
        dashboard.render(content(3), panels=(lost,))


def test_panels_that_share_a_drawing_have_its_figures_in_the_file_once() -> None:
    """The overview's best agents are the first rows of the chart of all agents."""
    text = dashboard.render(content(3))
    found = re.search(r'id="page-data">(.*?)</script>', text, flags=re.DOTALL)
    assert found
    drawn = json.loads(found[1])["charts"]
    assert [name for name in drawn if name.startswith("agents")] == ["agents"]
    assert not any("overview" in name for name in drawn)


# Nobody else knows it


@pytest.mark.parametrize("name", ["dashboard.html.j2", "dashboard.css", *sorted(SCRIPTS)])
def test_neither_template_nor_styles_nor_scripts_name_a_panel(name: str) -> None:
    """What is said in comments aside: there stands what a reader of the code may want as an example."""
    text = (STATIC / name).read_text(encoding="utf-8")
    code = re.sub(r"/\*.*?\*/|^\s*//.*?$|(?<= )// .*?$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert [panel.name for panel in PANELS if re.search(rf"(?<![\w-]){re.escape(panel.name)}(?![\w])", code)] == []


def test_names_of_panels_drawings_and_filters_are_their_own() -> None:
    assert len({panel.name for panel in PANELS}) == len(PANELS)
    drawings = {drawing for panel in PANELS for drawing in panel.drawings}
    assert len({drawing.name for drawing in drawings}) == len(drawings)
    filters = {each for panel in PANELS for each in panel.filters}
    assert len({each.name for each in filters}) == len({each.element for each in filters}) == len(filters)


# The scripts, which stand in the page in one scope


def test_every_script_is_in_the_page() -> None:
    assert set(SCRIPTS) == set(page._SCRIPTS)
    assert not re.search(r"^\s*(import|export)\b", page._script(), flags=re.MULTILINE)


def test_a_script_imports_what_another_exports_and_no_two_define_the_same_name() -> None:
    defined = {name: {found for _, found in _DEFINED.findall(text)} for name, text in SCRIPTS.items()}
    exported = {name: {found for shared, found in _DEFINED.findall(text) if shared} for name, text in SCRIPTS.items()}
    imported = {
        (home, one.strip())
        for text in SCRIPTS.values()
        for names, home in _IMPORT.findall(text)
        for one in names.split(",")
        if one.strip()
    }
    assert imported == {(name, one) for name, all_ in exported.items() for one in all_}
    assert sum(map(len, defined.values())) == len(set().union(*defined.values()))
