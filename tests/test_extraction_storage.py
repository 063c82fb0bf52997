"""How raw tables are stored: quickly where values are known beforehand, and exact whatever they are."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from si_analytics import sample
from si_analytics.settings import Settings
from tests.extractions import Extraction, extraction
from tests.test_extraction_contract import altered


@pytest.fixture
def reading(settings: Settings, tmp_path: Path) -> Iterator[Extraction]:
    """Transactions alone, into a file: what is only in memory is not stored in any particular way."""
    with extraction(settings, "transactions") as reading:
        reading.connection.execute(f"attach '{tmp_path}/warehouse.duckdb' as file")
        reading.connection.execute("create schema file.raw")
        reading.connection.execute("use file")
        yield reading


def stored(reading: Extraction) -> dict[str, set[str]]:
    """The ways in which each column's values are kept on the disk."""
    reading.connection.execute("checkpoint")
    rows = reading.connection.sql(
        "select column_name, compression from pragma_storage_info('raw.transactions') where segment_type <> 'VALIDITY'"
    ).fetchall()
    found: dict[str, set[str]] = {}
    for column, how in rows:
        found.setdefault(column, set()).add(how)
    return found


def test_codes_are_kept_in_dictionaries_keys_as_they_are_and_the_rest_as_duckdb_finds_best(
    settings: Settings, reading: Extraction
) -> None:
    sample.generate(settings, scale=0.2, seed=5)
    reading.refresh()
    reading.assert_equal()
    found = stored(reading)
    assert found["id"] == {"Uncompressed"}
    assert {*found["type"], *found["status"], *found["currency"]} <= {"Dictionary", "Constant"}
    assert "Dictionary" in found["type"]
    assert found["amount"].isdisjoint({"Dictionary", "Uncompressed"})


@pytest.mark.parametrize("declared", ["text", "varchar(50)", "varchar(51)", "varchar(9000)"])
def test_a_code_whose_column_was_made_longer_arrives_whole_however_long_it_is(
    reading: Extraction, postgres: psycopg.Connection, declared: str
) -> None:
    """A dictionary's entry has room for four kilobytes and no more."""
    longest = {"text": 100_000, "varchar(50)": 50, "varchar(51)": 51, "varchar(9000)": 9000}[declared]
    altered(postgres, f"alter table transactions alter column currency type {declared}")
    postgres.execute(
        "insert into transactions (type, amount, currency)"
        " select 'refund', 0.01, repeat(chr(128512), %(longest)s - n) || repeat('x', n)"
        " from generate_series(0, 20) as n"
        " union all select 'refund', 99, repeat('y', %(longest)s)",
        {"longest": longest},
    )
    reading.refresh()
    reading.assert_equal()
    assert ("Dictionary" in stored(reading)["currency"]) == (declared == "varchar(50)")
    postgres.execute("update transactions set currency = repeat('z', %s) where amount = 99", [longest])
    assert reading.refresh()["transactions"].updated == 1
    reading.connection.execute("checkpoint")
    reading.assert_equal()
    rows = reading.held("transactions").values()
    assert max(len(row[7]) for row in rows) == longest
    assert sum(row[6] for row in rows) == Decimal("99.21")
