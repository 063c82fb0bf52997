"""What a query of somebody's own may do: read the warehouse's tables, and nothing else on the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from si_analytics import packaged_sample, warehouse
from si_analytics.errors import AnalyticsError, MissingTableError, UsageError
from si_analytics.query import permitted
from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings
from tests.support import forbidden

SECRET = "nobody may read this"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a file that no query may read, under every name a reader of files looks for."""
    for name in ("x.csv", "x.txt", "x.json"):
        (tmp_path / name).write_text(f'"{SECRET}"\n')
    pl.DataFrame({"said": [SECRET]}).write_parquet(tmp_path / "x.parquet")
    with duckdb.connect(str(tmp_path / "x.duckdb")) as other:
        other.execute(f"create table said as select '{SECRET}' as said")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def opened(folder: Path) -> Iterator[query_warehouse.Warehouse]:
    """A warehouse in use, in that directory; whatever was asked of it, it answers afterwards and made no file."""
    before = sorted(folder.iterdir())
    with packaged_sample.sample_warehouse() as made:
        beside = sorted(made.settings.warehouse.parent.iterdir())
        yield made
        assert made.sql("select count(*) from raw.users").item() > 0
        assert made.settings.warehouse.exists()
        assert sorted(made.settings.warehouse.parent.iterdir()) == beside
    assert sorted(folder.iterdir()) == before


def asked(opened: query_warehouse.Warehouse, text: str) -> str:
    """What a query gives, as text; the sentence where it is refused in one."""
    try:
        return str(opened.sql(text).rows())
    except AnalyticsError as error:
        return str(error)


def test_no_function_that_duckdb_has_reads_or_writes_a_file(opened: query_warehouse.Warehouse, folder: Path) -> None:
    """Each that takes a text gets the path of a file; a newer DuckDB's are among them by being in its list."""
    listed = duckdb.sql(
        "select distinct function_name, function_type, parameter_types from duckdb_functions()"
        " where function_type in ('table', 'table_macro', 'scalar', 'macro')"
        " and regexp_full_match(function_name, '[a-z]\\w*') order by all"
    ).fetchall()
    assert len({name for name, _, _ in listed}) > 400
    for name, kind, types in listed:
        arguments = ", ".join(argument(one, str(folder / "x.csv")) for one in types or ["VARCHAR"])
        query = f"{'from' if kind.startswith('table') else 'select'} {name}({arguments}) as given"
        assert SECRET not in asked(opened, query), query


def argument(kind: str | None, path: str) -> str:
    """A value for a parameter of that type: the path wherever it fits."""
    fitting = {"VARCHAR": f"'{path}'", "VARCHAR[]": f"['{path}']", "ANY": f"'{path}'", None: f"'{path}'"}
    return fitting.get(kind, "null")


def test_every_table_function_is_refused_in_a_sentence_unless_it_only_computes_or_lists(
    opened: query_warehouse.Warehouse,
) -> None:
    listed = duckdb.sql("select distinct function_name from duckdb_functions() where function_type = 'table'")
    functions = {name for (name,) in listed.fetchall()}
    refused = {name for name in functions if "reaches beyond the warehouse's tables" in asked(opened, f"from {name}()")}
    assert functions - refused <= permitted.refused()[0] ^ functions
    assert {"read_csv", "read_text", "read_blob", "glob", "parquet_scan", "sniff_csv", "enable_logging"} <= refused
    assert not refused & {"range", "unnest", "generate_series", "duckdb_columns", "json_each"}


@pytest.mark.parametrize("text", forbidden.REACHING)
def test_a_query_that_reaches_further_is_refused_in_one_sentence(opened: query_warehouse.Warehouse, text: str) -> None:
    with pytest.raises(AnalyticsError) as refused:
        opened.sql(text)
    assert SECRET not in str(refused.value)
    assert refused.value.asked.startswith("the query")
    assert "Error:" not in str(refused.value)


def test_a_file_beside_the_warehouse_is_as_closed_as_any(opened: query_warehouse.Warehouse) -> None:
    """A locked DuckDB still writes where it holds a file: into the log that would be replayed into the warehouse."""
    file = opened.settings.warehouse
    for text in (f"explain analyze copy (select 42) to '{file}.wal'", f"from read_blob('{file}')"):
        with pytest.raises(UsageError):
            opened.sql(text)


@pytest.mark.parametrize("before", forbidden.SPELLINGS)
def test_whatever_is_no_query_is_refused_explained_or_not(opened: query_warehouse.Warehouse, before: str) -> None:
    for statement in forbidden.STATEMENTS:
        with pytest.raises(UsageError):
            opened.sql(before + statement)


@pytest.mark.parametrize(
    "text",
    [
        "explain select 1",
        "explain analyze select count(*) from raw.deals",
        "explain analyse (select 1)",
        "explain (select 1) union (select 2)",
        "explain (format json) select 1",
        "explain (analyze, format json) with one as (select 1) from one",
        "-- why is it slow?\nexplain from raw.deals",
        "pragma table_info('raw.deals')",
        "show all tables",
        "summarize raw.deals",
        "unpivot (select 1 as a, 2 as b) on a, b",
        "select unnest(range(3)), version(), uuid(), random(), 'from read_text(1)' -- read_text('x')",
        "with query as (select 1) from query",
        "from information_schema.columns limit 1",
        "select name from (select 'é' as name) where name glob 'é*'",
    ],
)
def test_whatever_only_asks_is_answered(opened: query_warehouse.Warehouse, text: str) -> None:
    assert opened.sql(text).height > 0


def test_a_variable_of_the_caller_s_is_no_table(opened: query_warehouse.Warehouse) -> None:
    """DuckDB takes a frame in the caller's namespace for a table of that name, which hides a mistyped one."""
    frame = pl.DataFrame({"said": [SECRET]})
    with pytest.raises(MissingTableError, match="the warehouse holds no such table"):
        opened.sql("from frame")
    assert frame.height == 1


def test_nothing_of_the_warehouse_s_own_verbs_is_lost_by_the_lock(opened: query_warehouse.Warehouse) -> None:
    """Metrics computed anew, the rows behind a cell, statistics of Python, what differs from a kept refresh."""
    board = opened.agent_leaderboard(since="2026-01-01")
    key: Any = board["agent_id"][0]
    assert opened.explain("agent_leaderboard", key, "total_earnings").height > 0
    assert opened.template_experiments(as_of="2026-05-01").height > 0
    assert opened.funnel("invite", by="method").height > 0
    assert opened.diff().height > 0
    assert opened.diff(metric="agent_leaderboard").height > 0


def test_a_warehouse_that_is_open_locks_neither_another_nor_a_refresh_of_the_same_file(
    opened: query_warehouse.Warehouse,
) -> None:
    """DuckDB shares a file among the connections of a process; what one may do is not what another may."""
    file = opened.settings.warehouse
    with (
        query_warehouse.connect(opened.settings) as other,
        warehouse.open_file(file, SETTINGS, read_only=True) as third,
    ):
        assert other.sql("select count(*) from raw.users").item() > 0
        assert third.sql("select current_setting('enable_external_access')").fetchone() == (True,)
        third.execute("set threads = 2")
        assert third.sql("from read_text('x.txt')").fetchone() is not None


SETTINGS = Settings.model_construct(memory_limit=None)


def test_a_query_larger_than_the_memory_allowed_still_spills_to_the_disk(opened: query_warehouse.Warehouse) -> None:
    """1,000,000 texts of 64 letters, all kept at once beside where each is found: more than the 96 MB allowed."""
    with query_warehouse.connect(opened.settings.model_copy(update={"memory_limit": "160MB"})) as tight:
        limit = tight.settings.duckdb_memory
        found = tight.sql(
            "select count(*) as rows, count(distinct digest) as different from"
            " (select sha256(cast(i as varchar)) as digest from range(1000000) as t (i))"
        )
    assert limit == "96000000B"
    assert found.rows() == [(1_000_000, 1_000_000)]


def test_a_query_that_needs_more_memory_than_there_is_says_so_in_a_sentence(opened: query_warehouse.Warehouse) -> None:
    with (
        query_warehouse.connect(opened.settings.model_copy(update={"memory_limit": "160MB"})) as tight,
        pytest.raises(UsageError, match=r"the query: it needs more memory than it may use\. Ask for fewer rows"),
    ):
        tight.sql("select list(sha256(cast(i as varchar))) from range(2000000) as t (i)")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("select interval 1 day as waited", r"columns are waited (INTERVAL)"),
        ("select union_value(num := 1) as either", "columns are either (UNION(num INTEGER))"),
        ("select $it as said", "a value that is bound is of type object"),
    ],
)
def test_what_no_frame_holds_and_what_cannot_be_bound_is_said_in_a_sentence(
    opened: query_warehouse.Warehouse, text: str, found: str
) -> None:
    with pytest.raises(UsageError) as refused:
        opened.sql(text, **({"it": object()} if "$it" in text else {}))
    assert found in refused.value.found
