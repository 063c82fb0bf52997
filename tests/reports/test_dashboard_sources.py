"""What the dashboard asks a warehouse, and which tables it is drawn from: by drawing it from no others."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path

import duckdb
import pytest

import si_analytics as si
from si_analytics.compute import metrics
from si_analytics.errors import AnalyticsError
from si_analytics.reports import dashboard
from si_analytics.reports.dashboard import sources
from si_analytics.reports.dashboard.kpis import TILES
from si_analytics.reports.dashboard.panel import Panel
from si_analytics.reports.dashboard.panels import PANELS
from si_analytics.reports.dashboard.sources import PanelData


def without(tables: set[str], path: Path) -> si.Warehouse:
    """The sample warehouse in a file of its own that lacks these tables."""
    with si.sample_warehouse() as made:
        settings = made.settings.model_copy(update={"warehouse": path})
        shutil.copyfile(made.settings.warehouse, path)
    with duckdb.connect(str(path)) as changing:
        for table in tables:
            changing.execute(f"drop table {table}")
    return si.Warehouse(settings)


def held() -> set[str]:
    """The tables of a warehouse that a page could be drawn from."""
    with si.sample_warehouse() as made:
        return {f"{schema}.{table}" for schema, table, _ in made.tables().iter_rows() if schema != "meta"}


def test_the_whole_page_is_drawn_from_the_tables_it_is_said_to_be_drawn_from(tmp_path: Path) -> None:
    unread = held() - set(dashboard.reads())
    assert {"raw.conversations", "metrics.contact_engagement", "history.conversion_funnels"} <= unread
    with without(unread, tmp_path / "less.duckdb") as less:
        content = dashboard.gather(less)
    parts = {field.name: getattr(content, field.name) for field in fields(content)}
    assert [name for name, part in parts.items() if part is None] == []


@pytest.mark.parametrize(
    "table", ["metrics.marketplace_monthly", "metrics.signup_cohorts", "history.agent_leaderboard", "raw.invites"]
)
def test_without_one_of_them_there_is_no_page(tmp_path: Path, table: str) -> None:
    assert table in dashboard.reads()
    with without({table}, tmp_path / "less.duckdb") as less, pytest.raises((AnalyticsError, duckdb.CatalogException)):
        dashboard.gather(less)


def asked() -> set[PanelData]:
    """All that the panels and tiles ask."""
    return {source for each in (*PANELS, *TILES) for source in each.sources}


def test_every_part_of_a_page_that_bears_a_metric_s_name_is_among_them() -> None:
    """The parts of a page, and of the windows that readers choose on it, are named like the metrics they show."""
    parts = {field.name for field in fields(dashboard.DashboardContent)} & set(metrics.names())
    assert parts == {source.metric for source in asked() if source.metric}
    anew = {source.metric for source in asked() if source.metric and source.within}
    assert {field.name for field in fields(dashboard.Period)} & set(metrics.names()) == anew


def test_every_source_is_asked_by_a_panel_or_a_tile_and_under_a_name_of_its_own() -> None:
    declared = {each for each in vars(sources).values() if isinstance(each, PanelData)}
    assert asked() | {sources.FRESHNESS} == declared
    assert len({source.name for source in declared}) == len(declared)


def test_a_panel_of_another_metric_adds_its_table_to_those_the_dashboard_is_drawn_from() -> None:
    ratings = Panel(name="ratings", section="agents", title="", sentence="", sources=(sources.stored("user_ratings"),))
    assert set(dashboard.reads(panels=(*PANELS, ratings))) - set(dashboard.reads()) == {"metrics.user_ratings"}
