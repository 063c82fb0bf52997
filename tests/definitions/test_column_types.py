"""Which type of Postgres holds every value of a type of DuckDB."""

from __future__ import annotations

import duckdb
import psycopg
import pytest

from si_analytics.definitions import column_types
from si_analytics.errors import DefinitionError

VALUES = {
    **{"BOOLEAN": "true", "TINYINT": "-128", "UTINYINT": "255", "SMALLINT": "-32768", "USMALLINT": "65535"},
    **{"INTEGER": "-2147483648", "UINTEGER": "4294967295", "BIGINT": "-9223372036854775808"},
    **{"UBIGINT": "18446744073709551615", "HUGEINT": "-170141183460469231731687303715884105728"},
    **{"DECIMAL(10,2)": "99999999.99", "FLOAT": "1.5", "DOUBLE": "0.1", "VARCHAR": "é", "DATE": "2026-02-28"},
    **{"TIME": "23:59:59.999999", "TIMESTAMP": "2026-01-01 00:00:00.000001", "BLOB": "ab", "INTERVAL": "3 days"},
    **{"TIMESTAMP WITH TIME ZONE": "2026-01-01 00:00:00+00", "JSON": '{"a": 1}'},
    "UUID": "00000000-0000-0000-0000-000000000001",
}


@pytest.mark.parametrize("kind", VALUES)
def test_the_outermost_value_of_every_plain_type_fits(kind: str, postgres: psycopg.Connection) -> None:
    ((value, named),) = duckdb.sql(
        f"select cast(v as {kind}), typeof(cast(v as {kind})) from (values ($${VALUES[kind]}$$)) as given (v)"
    ).fetchall()
    assert named == kind
    words = column_types.postgres_type(kind, "value", "sql/metrics/any.sql")
    ((found,),) = postgres.execute(f"select cast(%s as {words})", [VALUES[kind]])
    assert found == value or kind in {"JSON", "BLOB"}
    ((told,),) = postgres.execute("select format_type(%s::regtype, null)", [words])
    assert told == words


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("VARCHAR[]", "text[]"),
        ("INTEGER[3]", "integer[]"),
        ("DECIMAL(4,1)[][]", "numeric[]"),
        ("ENUM('a', 'b')", "text"),
        ("TIMESTAMP WITH TIME ZONE[]", "timestamp with time zone[]"),
    ],
)
def test_lists_and_enumerations_become_arrays_and_texts(kind: str, words: str) -> None:
    assert column_types.postgres_type(kind, "value", "sql/metrics/any.sql") == words


@pytest.mark.parametrize("kind", ["STRUCT(a INTEGER)", "MAP(VARCHAR, INTEGER)", "TIMESTAMP_NS", "STRUCT(a INTEGER)[]"])
def test_a_type_that_cannot_be_published_names_file_column_and_remedy(kind: str) -> None:
    with pytest.raises(DefinitionError) as raised:
        column_types.postgres_type(kind, "parts", "sql/metrics/any.sql")
    told = str(raised.value)
    assert told.startswith(f"publishing sql/metrics/any.sql: the column parts is a {kind}, which no type of Postgres")
    assert "Cast parts in the query to a plain type" in told
