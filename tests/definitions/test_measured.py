"""A metric that stands on facts: what it declares becomes its query, and a mistake in that is told in one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from si_analytics.definitions import loading, project, proof
from si_analytics.errors import DefinitionError

STANDING = sorted(name for name, one in project().declared_metrics.items() if one.cells or one.slices)
BARE = """-- template_uses: how often each template was sent, in all.
--
-- +++
-- grain = "one row per template"
-- rows = "template"
-- order = "template_id"
--
-- [columns]
-- template_id = "the template"
-- sent = ["invites", "invites sent with it"]
-- share = ["percent", "100 x accepted / sent, null where it was never used"]
--
-- [cells]
-- sent = "invites_sent"
-- share = "100 * acceptance_rate"
-- +++
"""


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `sql/`, which the library reads in its place."""
    copy = tmp_path / "sql"
    shutil.copytree(loading.root(), copy)
    monkeypatch.setattr(loading, "root", lambda: copy)
    monkeypatch.setattr(loading, "RECHECK_SECONDS", 0)
    return copy


@pytest.mark.parametrize("name", STANDING)
def test_a_metric_reads_the_facts_of_its_measures_and_what_its_own_query_reads(name: str) -> None:
    declared, whole, ours = project().declared_metrics[name], project().metrics[name], project()
    named = [cell.partition(".")[0] for cell in declared.cells.values()]
    named += [measure for one in declared.slices.values() for measure in one.measures]
    facts = {f"facts.{ours.measures[one].fact}" for one in named if one in ours.measures and ours.measures[one].fact}
    assert facts <= set(whole.inputs)
    assert set(declared.inputs) <= set(whole.inputs)
    assert set(whole.inputs) == proof.tables_read(whole)
    assert (whole.columns, whole.order, whole.path) == (declared.columns, declared.order, declared.path)


@pytest.mark.parametrize("name", STANDING)
def test_a_query_that_is_compiled_is_one_that_duckdb_understands(name: str) -> None:
    (statement,) = duckdb.extract_statements(project().metrics[name].text)
    assert statement.type == duckdb.StatementType.SELECT


def test_a_metric_without_cells_and_slices_is_its_file() -> None:
    for name, one in project().declared_metrics.items():
        if name not in STANDING and not one.funnels:
            assert project().metrics[name] is one


def test_a_metric_without_a_query_is_what_it_measures_in_its_order(copied: Path) -> None:
    (copied / "metrics" / "template_uses.sql").write_text(BARE, encoding="utf-8")
    proof.require(project())
    found = project().metrics["template_uses"]
    assert found.inputs == ("facts.invites", "dimensions.template")
    assert found.params == ()
    with duckdb.connect() as connection:
        connection.execute("create schema facts; create schema dimensions")
        connection.execute("create table dimensions.template as select unnest([3, 1, 2]) as template_id")
        connection.execute(
            "create table facts.invites as select * from"
            " (values (1, true), (1, false), (1, false), (2, false), (9, true)) as made (template_id, is_accepted)"
        )
        rows = connection.execute(found.text).fetchall()
        assert [description[0] for description in connection.description] == ["template_id", "sent", "share"]
    assert [(key, sent, None if share is None else str(share)) for key, sent, share in rows] == [
        (1, 3, "33.33"),
        (2, 1, "0.00"),
        (3, 0, None),
    ]


def test_only_a_metric_with_a_window_binds_one() -> None:
    for name in STANDING:
        bound = {parameter.name for parameter in project().metrics[name].params}
        assert ({"since", "until"} <= bound) is project().declared_metrics[name].window


WRONG = {
    "cells.sent is invites_snt, and invites_snt is no measure. Did you mean 'invites_sent'": (
        "invites_sent",
        "invites_snt",
    ),
    "cells.sent is count(*), and count(*) is no measure": ('"invites_sent"', '"count(*)"'),
    "cells.sent: invites_sent + is not understood. Write": ('"invites_sent"', '"invites_sent +"'),
    "cells.sent is invites_sent.sum, but invites_sent is no mean of a column": ('"invites_sent"', '"invites_sent.sum"'),
    "cells.sent: invites_sent.middle in invites_sent.middle is none of what a measure may be": (
        '"invites_sent"',
        '"invites_sent.middle"',
    ),
    "cells.share is 100 * acceptance, and acceptance is no measure. Did you mean": ("acceptance_rate", "acceptance"),
    "it has a row per template, which nothing links deals to": ('"invites_sent"', '"deals"'),
    "rows is templates, which is neither month nor a dimension. Did you mean template?": ('"template"', '"templates"'),
    "slices.more.measures names invite_sent, which is no measure. Did you mean 'invites_sent'": (
        "-- [cells]",
        '-- [slices.more]\n-- measures = "invite_sent"\n--\n-- [cells]',
    ),
    "slices.more.by names agnt, which invites cannot be grouped by. Did you mean 'agent'": (
        "-- [cells]",
        '-- [slices.more]\n-- measures = "invites_sent"\n-- by = "agnt"\n--\n-- [cells]',
    ),
    "slices.more.where names methd, which invites cannot be grouped by. Did you mean 'method'": (
        "-- [cells]",
        '-- [slices.more]\n-- measures = "invites_sent"\n-- where = { methd = "email" }\n--\n-- [cells]',
    ),
    "slices.more.measures are of several facts: invites, deals": (
        "-- [cells]",
        '-- [slices.more]\n-- measures = ["invites_sent", "deals"]\n--\n-- [cells]',
    ),
    "it has a field slices.more.measure, which means nothing": (
        "-- [cells]",
        '-- [slices.more]\n-- measure = "invites_sent"\n--\n-- [cells]',
    ),
}


@pytest.mark.parametrize("found", WRONG)
def test_a_mistake_names_the_file_the_field_and_the_nearest(found: str, copied: Path) -> None:
    old, new = WRONG[found]
    assert old in BARE
    (copied / "metrics" / "template_uses.sql").write_text(BARE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DefinitionError) as told:
        proof.require(project())
    assert str(told.value).startswith(f"sql/metrics/template_uses.sql: {found}")
    assert "\n" not in str(told.value)
