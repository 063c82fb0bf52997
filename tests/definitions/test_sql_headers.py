"""What the SQL files say about themselves holds: what they read, take, return and in which order."""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb
import pytest
import sqlglot
from sqlglot import expressions

from si_analytics.compute import checks, funnels, lineage
from si_analytics.definitions import files as sql_files
from si_analytics.definitions import headers

DUCKDB_FOLDERS = ("checks", "explain", "extract", "funnels", "metrics", "queries")
COMPUTED_FOLDERS = ("checks", "explain", "funnels", "metrics", "queries")
NUMBER = re.compile(r"^total_|_rate$|_count$|_score$|_at$|earnings|_time$|_rating$|_days$|_hours$")
UNIT_COLUMNS = ("unit_id", "stage_number", "stage", "reached_at", "started_at")


def every(*folders: str) -> Callable[..., object]:
    """The test once for each file of these folders."""
    files = [file for folder in folders for file in sql_files.read_all(folder)]
    return pytest.mark.parametrize("file", files, ids=[f"{file.folder}/{file.name}" for file in files])


def parsed(file: sql_files.SqlFile) -> expressions.Expression:
    return sqlglot.parse_one(file.text, read="duckdb")


def spark(file: sql_files.SqlFile) -> str:
    """The query in Spark's SQL. Raises UnsupportedError where it says something Spark cannot.

    Spark has no 128-bit integers: where a query counts in DuckDB's HUGEINT, the 38 digits of
    DECIMAL(38, 0) hold what it adds up. What DuckDB calls epoch_us, Spark calls unix_micros.
    """

    def said_by_spark(node: expressions.Expression) -> expressions.Expression:
        if isinstance(node, expressions.DataType) and node.this == expressions.DataType.Type.INT128:
            return expressions.DataType.build("decimal(38, 0)")
        if isinstance(node, expressions.Anonymous) and node.name == "epoch_us":
            return expressions.Anonymous(this="unix_micros", expressions=node.expressions)
        return node

    return parsed(file).transform(said_by_spark).sql(dialect="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)


def common_table(file: sql_files.SqlFile, name: str) -> expressions.Select:
    return next(cte.this for cte in parsed(file).find_all(expressions.CTE) if cte.alias == name)


def final_query(file: sql_files.SqlFile) -> expressions.Select:
    """The common table expression called final, whose columns are those of the file."""
    return common_table(file, "final")


def places_of_stages(file: sql_files.SqlFile) -> list[expressions.PropertyEQ]:
    """Where the list of a funnel's unit says which stage it speaks of, in the order of the list."""
    found = common_table(file, "units").find_all(expressions.PropertyEQ, bfs=False)
    return [place for place in found if place.this.name == "stage_number"]


@every(*(folder.name for folder in sorted(sql_files.root().iterdir()) if folder.is_dir()))
def test_a_file_opens_with_its_name_and_one_sentence(file: sql_files.SqlFile) -> None:
    first = file.text.splitlines()[0]
    name = re.sub(r"^\d\d_", "", file.name)  # files of a schema are numbered in the order they run in
    assert first.startswith(f"-- {name}: ")
    assert first.endswith(".")
    assert file.fields["Dialect"].startswith(("duckdb", "postgres"))


@every(*DUCKDB_FOLDERS)
def test_a_file_says_in_which_dialect_it_is_and_what_a_row_of_it_is(file: sql_files.SqlFile) -> None:
    attached = ", with Postgres attached as pg" if file.folder == "extract" else ""
    assert file.fields["Dialect"] == f"duckdb{attached}"
    assert file.fields["Grain"].startswith("one row per ")


@every(*DUCKDB_FOLDERS)
def test_the_inputs_of_the_header_are_the_tables_that_are_read(file: sql_files.SqlFile) -> None:
    query = parsed(file)
    own = {cte.alias for cte in query.find_all(expressions.CTE)}
    read = {
        ".".join(part.name for part in table.parts)
        for table in query.find_all(expressions.Table)
        if table.db or table.name not in own
    }
    listed = file.listed("Inputs")
    assert set(listed) == read
    assert len(listed) == len(read)


@every(*DUCKDB_FOLDERS)
def test_the_params_of_the_header_are_those_the_query_binds(file: sql_files.SqlFile) -> None:
    statements = duckdb.extract_statements(file.text)
    assert len(statements) == 1
    described = re.findall(r"\$(\w+)", file.fields.get("Params", ""))
    assert sorted(described) == sorted(statements[0].named_parameters)


@every(*COMPUTED_FOLDERS)
def test_a_query_ends_in_final_and_in_the_order_of_the_header(file: sql_files.SqlFile) -> None:
    assert file.text.endswith(f"\n\nselect * from final\norder by {file.fields['Order']}\n")


@every("extract")
def test_an_extract_names_its_key_its_money_and_its_time_among_the_columns_it_reads(
    file: sql_files.SqlFile,
) -> None:
    columns = parsed(file).named_selects
    assert file.fields["Key"] in columns
    for field in ("Money", "Time"):
        assert file.fields.get(field, file.fields["Key"]) in columns
    assert ("amount" in columns) == ("Money" in file.fields)
    assert "Order" not in file.fields


@every(*COMPUTED_FOLDERS)
def test_a_query_runs_on_spark_as_well(file: sql_files.SqlFile) -> None:
    assert sqlglot.parse_one(spark(file), read="spark").find(expressions.CTE)


@every("metrics", "funnels")
def test_the_columns_of_the_header_are_those_of_the_query_in_order(file: sql_files.SqlFile) -> None:
    assert [column.name for column in headers.of_file(file).columns] == list(lineage.of_file(file))


@every("metrics", "funnels")
def test_a_column_of_a_metric_says_what_it_means_and_a_number_in_which_unit(file: sql_files.SqlFile) -> None:
    for column in headers.of_file(file).columns:
        assert len(column.meaning) > 4
        assert not column.meaning.endswith(".")
        assert column.unit or not NUMBER.search(column.name), column.name


@every("funnels")
def test_the_stages_of_the_header_are_those_of_the_query_in_order(file: sql_files.SqlFile) -> None:
    numbers = [int(place.expression.name) for place in places_of_stages(file)]
    chosen = {column.alias: column.this for column in final_query(file).selects}["stage"]
    stages = [literal.name for literal in chosen.this.expressions]
    assert tuple(stages) == funnels.stages(file.name)
    assert numbers == list(range(1, len(stages) + 1))


@every("funnels")
def test_a_funnel_has_one_row_per_unit_before_it_has_one_per_stage(file: sql_files.SqlFile) -> None:
    columns = tuple(common_table(file, "units").named_selects)
    assert columns == ("unit_id", "started_at", "stages", *funnels.breakdowns(file.name))


@every("funnels")
def test_the_breakdowns_of_the_header_are_columns_of_the_query(file: sql_files.SqlFile) -> None:
    columns = tuple(final_query(file).named_selects)
    assert columns[: len(UNIT_COLUMNS)] == UNIT_COLUMNS
    assert columns[len(UNIT_COLUMNS) :] == funnels.breakdowns(file.name)


@every("checks")
def test_a_check_says_how_severe_it_is_and_what_to_do(file: sql_files.SqlFile) -> None:
    assert file.fields["Severity"] in {checks.BLOCKING, checks.WARNING}
    assert file.fields["Remedy"]
    assert not file.fields["Remedy"].endswith(".")


@every("checks")
def test_the_order_of_a_check_is_by_columns_it_shows(file: sql_files.SqlFile) -> None:
    final = final_query(file)
    shown = set(final.named_selects)
    if "*" not in shown:
        assert set(file.listed("Order")) <= shown


def test_counting_in_128_bits_becomes_38_digits_on_spark() -> None:
    query = sql_files.parse("metrics", "wide", "select cast(1 as hugeint) * amount as product from raw.deals")
    assert spark(query) == "SELECT CAST(1 AS DECIMAL(38, 0)) * amount AS product FROM raw.deals"


def test_the_microseconds_of_a_moment_have_another_name_on_spark() -> None:
    query = sql_files.parse("metrics", "moments", "select epoch_us(created_at) as moment from raw.deals")
    assert spark(query) == "SELECT UNIX_MICROS(created_at) AS moment FROM raw.deals"


def test_what_spark_cannot_say_is_refused() -> None:
    query = sql_files.parse("metrics", "odd", "select amount from raw.deals for update")
    with pytest.raises(sqlglot.errors.UnsupportedError):
        spark(query)
