"""The catalogue says of every metric and funnel what its file says, in Python, on the command line and in the docs."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from si_analytics.cli.app import app
from si_analytics.compute import funnels, lineage
from si_analytics.definitions import project
from si_analytics.errors import UnknownNameError
from si_analytics.query import catalog, measure_catalog, slices
from tests.support.folders import ROOT

PAGE = ROOT / "docs" / "metrics.md"
MEASURES = ROOT / "docs" / "measure-catalog.md"
RULES = ROOT / "docs" / "definitions.md"
EVERY = tuple(project().computed)


def test_the_page_is_what_make_catalog_would_write() -> None:
    stands, would = PAGE.read_text(encoding="utf-8").splitlines(), catalog.page().splitlines()
    changed = difflib.unified_diff(stands, would, "docs/metrics.md", "sql/", lineterm="", n=0)
    assert stands == would, "docs/metrics.md is stale; run `make catalog`:\n" + "\n".join(changed)


def test_the_list_of_measures_is_what_make_catalog_would_write() -> None:
    stands, would = MEASURES.read_text(encoding="utf-8").splitlines(), measure_catalog.page().splitlines()
    changed = difflib.unified_diff(stands, would, "docs/measure-catalog.md", "sql/facts", lineterm="", n=0)
    assert stands == would, "docs/measure-catalog.md is stale; run `make catalog`:\n" + "\n".join(changed)


def test_the_list_of_measures_has_every_measure_fact_dimension_and_grouping() -> None:
    page, ours = measure_catalog.page(), project()
    listed = page.partition("## Measures\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| \[(\w+)\]", listed, flags=re.MULTILINE) == list(ours.measures)
    assert re.findall(r"^### (\w+)$", page, flags=re.MULTILINE) == [*ours.facts, *ours.dimensions]
    for name in ours.facts:
        told = page.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
        for measure in ours.facts[name].measures:
            assert f"| `{measure.name}` | {measure.unit}" in told
            assert [one for one in slices.dimensions(measure.name) if f"`{one}`" not in told + page[:1000]] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("commission", "sum of amount where type = 'agent_commission'"),
        ("invites_opened", "number of rows with opened_at"),
        ("recruits", "number of different agent_id and recruited_user_id"),
        ("acceptance_rate", "number of rows where is_accepted / number of rows"),
        ("median_deal", "median of amount"),
        ("slow_response_time", "p90 of wait_microseconds"),
        ("most_followers", "greatest of followers"),
        ("net_revenue", "platform_revenue - commission"),
    ],
)
def test_a_formula_is_said_in_words(name: str, words: str) -> None:
    assert measure_catalog.in_words(project().measures[name]) == words


def test_the_tables_among_the_rules_are_what_make_catalog_would_write() -> None:
    page = RULES.read_text(encoding="utf-8")
    stands, would = page.splitlines(), catalog.filled(page).splitlines()
    changed = difflib.unified_diff(stands, would, "docs/definitions.md", "sql/", lineterm="", n=0)
    assert stands == would, "docs/definitions.md is stale; run `make catalog`:\n" + "\n".join(changed)


def test_the_rules_show_every_stage_breakdown_and_check() -> None:
    page = RULES.read_text(encoding="utf-8")
    parts = dict(re.findall(r"<!-- made by make catalog: (.+?) -->\n(.*?)<!-- end -->", page, flags=re.DOTALL))
    assert set(parts) == set(catalog.PARTS)
    for name, funnel in project().funnels.items():
        (told,) = re.findall(rf"^#### {name}\n(.*?)(?=^#### |\Z)", parts["funnels"], flags=re.DOTALL | re.MULTILINE)
        assert re.findall(r"^\| \*(\w+)\* \|", told, flags=re.MULTILINE) == list(funnels.stages(name))
        assert [column for column in funnel.breakdowns if f"`{column}`" not in told] == []
    assert re.findall(r"^\| \[(\w+)\]", parts["facts"], flags=re.MULTILINE) == list(project().facts)
    for severity, part in (("blocking", "blocking checks"), ("warning", "warnings")):
        known = [check.name for check in project().checks.values() if check.severity == severity]
        assert re.findall(r"^\| `(\w+)` \|", parts[part], flags=re.MULTILINE) == known


def test_a_part_that_nobody_makes_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match="There are: funnels, blocking checks, warnings, facts"):
        catalog.filled("<!-- made by make catalog: funnel -->\n<!-- end -->\n")


def test_the_listing_has_every_metric_and_funnel_with_all_that_is_known_of_it() -> None:
    rows = {row["name"]: row for row in catalog.listing().to_dicts()}
    assert tuple(rows) == EVERY
    for name, row in rows.items():
        told = project().computed[name]
        assert (row["kind"], row["grain"], row["summary"]) == (told.kind, told.grain, told.summary)
        assert [column["name"] for column in row["columns"]] == [column.name for column in told.columns]
        assert {table.partition(".")[0] for table in row["inputs"]} <= {"raw", "dimensions", "facts", "metrics", "meta"}
    assert "$since  timestamptz or null, inclusive" in rows["agent_leaderboard"]["parameters"]


@pytest.mark.parametrize("name", EVERY)
def test_a_metric_is_described_column_by_column_with_its_lineage(name: str) -> None:
    for row in catalog.described(name).to_dicts():
        assert row["lineage"] == [".".join(origin) for origin in lineage.column_lineage(name)[row["column"]]]
        assert row["meaning"]


def test_the_command_line_lists_without_a_warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SI_HOME", str(tmp_path))
    listed = CliRunner().invoke(app, ["metric", "--list", "--json"])
    assert [row["name"] for row in json.loads(listed.output)] == list(EVERY)
    one = CliRunner().invoke(app, ["metric", "user_ratings", "--list"])
    assert "user_reviews.rating" in one.output
    assert "stars" in one.output
    unknown = CliRunner().invoke(app, ["metric", "user_rating", "--list"])
    assert unknown.exception is not None
