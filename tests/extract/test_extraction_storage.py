"""How raw tables are stored: in little room and exact whatever the values, and on the disk as they are read."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import psycopg
import pytest

from si_analytics import extract, refresh, sample, warehouse
from si_analytics.errors import ExtractError, WarehouseError
from si_analytics.extract import TableExtract
from si_analytics.extract.source import ReadTable
from si_analytics.settings import Settings
from tests.support.altering import altered
from tests.support.extractions import Extraction, duck, extraction
from tests.support.published_tables import connection_to

FORMAT = "v1.3.0+"
"""As DuckDB calls the format that its version 1.3.0 is the oldest to read."""


@pytest.fixture
def reading(settings: Settings, tmp_path: Path) -> Iterator[Extraction]:
    """Transactions alone, into a file: what is only in memory is not stored in any particular way."""
    with extraction(settings, "transactions") as reading:
        reading.connection.execute(f"attach '{tmp_path}/warehouse.duckdb' as file (storage_version 'v1.3.0')")
        reading.connection.execute("create schema file.raw")
        reading.connection.execute("use file")
        yield reading


def stored(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """The ways in which the values of each column of transactions are kept on the disk."""
    rows = connection.sql(
        "select column_name, compression from pragma_storage_info('raw.transactions') where segment_type <> 'VALIDITY'"
    ).fetchall()
    found: dict[str, set[str]] = {}
    for column, how in rows:
        found.setdefault(column, set()).add(how)
    return found


def format_of(path: Path) -> str:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as file (read_only)")
        row = connection.sql("select tags['storage_version'] from duckdb_databases() where database_name = 'file'")
        (name,) = row.fetchone() or ("",)
    return str(name)


def in_an_older_format(path: Path) -> None:
    """Write a warehouse anew as DuckDB does unless it is told otherwise: so that its version 1.0 can read it."""
    older = path.with_name("older.duckdb")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as held (read_only)")
        connection.execute(f"attach '{older}' as older")
        connection.execute("copy from database held to older")
    older.replace(path)


def test_a_published_file_can_be_read_from_duckdb_1_3_on_and_keeps_codes_as_dictionaries(settings: Settings) -> None:
    sample.generate(settings, scale=0.2, seed=5)
    refresh.run(settings, as_of=sample.END)
    assert format_of(settings.warehouse) == FORMAT
    with duck(settings) as connection:
        found = stored(connection)
    assert found["id"] == {"Uncompressed"}
    assert {*found["type"], *found["status"], *found["currency"]} <= {"DICT_FSST", "Constant"}
    assert "DICT_FSST" in found["type"]
    assert found["amount"].isdisjoint({"DICT_FSST", "Uncompressed"})


def test_a_warehouse_in_an_older_format_is_brought_up_to_date_by_changes_and_replaced_by_a_full_reading(
    settings: Settings,
) -> None:
    sample.generate(settings, scale=0.02, seed=5)
    refresh.run(settings, as_of=sample.END)
    in_an_older_format(settings.warehouse)
    older = format_of(settings.warehouse)
    assert older != FORMAT
    with connection_to(settings) as postgres:
        postgres.execute(
            "update transactions set amount = amount + 1 where id in (select id from transactions order by id limit 10)"
        )
        postgres.execute("vacuum full deals")  # read anew as a whole, into the file as it is
    report = refresh.run(settings, as_of=sample.END)
    read = {one.table: one for one in report.extracts}
    assert (read["transactions"].mode, read["transactions"].updated) == (extract.INCREMENTAL, 10)
    assert read["deals"].mode == extract.FULL
    assert format_of(settings.warehouse) == older
    refresh.run(settings, as_of=sample.END, full=True)
    assert format_of(settings.warehouse) == FORMAT


@pytest.mark.parametrize("rows", [150, 2048, 2049, 200_000])
@pytest.mark.parametrize("nulls", [0, 7])
def test_conditions_on_texts_kept_as_dictionaries_hold_for_the_rows_they_hold_for_in_memory(
    settings: Settings, rows: int, nulls: int
) -> None:
    """A dictionary has an entry for null that need not stand for any row; a condition may hold for it all the same."""
    conditions = (
        *("code is null", "code is not null", "code <> 'c3'", "code is distinct from 'c3'", "code in ('c1', 'c2')"),
        *("coalesce(code, 'c3') = 'c3'", "split_part(code, 'c', 2)::integer >= 3", "code = 'c1' or code is null"),
        *("ifnull(code = 'c3', true)", "nullif(code, 'c3') is null", "length(code) = 2", "code like 'c%'"),
    )
    settings.warehouse.parent.mkdir(parents=True)
    with warehouse.create_working(settings) as connection:
        connection.execute("attach ':memory:' as memory")
        for place in ("memory.main.codes", "raw.codes"):
            connection.execute(
                f"create table {place} as select range as id, case when $nulls > 0 and range % greatest($nulls, 1) = 0"
                " then null else 'c' || range % 5 end as code from range($rows)",
                {"rows": rows, "nulls": nulls},
            )
        connection.execute("checkpoint")
        ways = connection.sql("select distinct compression from pragma_storage_info('raw.codes')").fetchall()
        assert ("DICT_FSST",) in ways
        for change in (None, "delete from {} where code = 'c2'", "insert into {} values (-1, 'c9'), (-2, null)"):
            for place in ("memory.main.codes", "raw.codes"):
                if change:
                    connection.execute(change.format(place))
            connection.execute("checkpoint")
            for condition in conditions:
                found, expected = (
                    connection.sql(f"select count(*), sum(id) from {place} where {condition}").fetchall()
                    for place in ("raw.codes", "memory.main.codes")
                )
                assert found == expected, (condition, change)


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
    reading.connection.execute("checkpoint")
    reading.assert_equal()
    postgres.execute("update transactions set currency = repeat('z', %s) where amount = 99", [longest])
    assert reading.refresh()["transactions"].updated == 1
    reading.connection.execute("checkpoint")
    reading.assert_equal()
    rows = reading.held("transactions").values()
    assert max(len(row[7]) for row in rows) == longest
    assert sum(row[6] for row in rows) == Decimal("99.21")


def in_order(connection: duckdb.DuckDBPyConnection) -> bool:
    (kept,) = connection.sql("select current_setting('preserve_insertion_order')").fetchone() or (False,)
    return bool(kept)


def test_rows_come_in_any_order_only_while_a_table_is_read_also_where_that_fails(
    reading: Extraction, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[bool] = []

    def rows(connection: duckdb.DuckDBPyConnection, one: ReadTable) -> duckdb.DuckDBPyRelation:
        orders.append(in_order(connection))
        return connection.sql("select error('it broke off') as id")

    def heard(result: TableExtract) -> None:
        orders.append(in_order(reading.connection))

    reading.refresh(heard)
    assert orders == [True]
    monkeypatch.setattr("si_analytics.extract.reading.every_row", rows)
    reading.baseline = None
    with pytest.raises(ExtractError, match="it broke off"):
        reading.refresh()
    assert orders == [True, False]
    assert in_order(reading.connection)


def test_what_is_read_is_brought_to_the_disk_meanwhile(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the file is closed, and while nobody waits for it."""
    synced: list[int] = []
    sync = os.fsync

    def counted(file: int) -> None:
        synced.append(os.fstat(file).st_ino)
        sync(file)

    monkeypatch.setattr(os, "fsync", counted)
    settings.warehouse.parent.mkdir(parents=True)
    with warehouse.create_working(settings) as connection, warehouse.writing_back(settings):
        working = warehouse.working_path(settings).stat().st_ino
        connection.execute("create table raw.deals as select range as id from range(1000)")
    assert synced
    assert set(synced) == {working}


def refused(number: int) -> Callable[[int], None]:
    def sync(file: int) -> None:
        raise OSError(number, os.strerror(number))

    return sync


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_refuses_what_was_read_is_one_sentence_and_nothing_is_published(
    settings: Settings, postgres: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "fsync", refused(number))
    with pytest.raises(WarehouseError, match=os.strerror(number)):
        refresh.run(settings)
    assert not settings.warehouse.exists()
    assert not warehouse.working_path(settings).exists()
    assert postgres.execute("select count(*) from analytics.refreshes").fetchone() == (0,)


def test_a_working_file_that_was_deleted_before_it_was_read_into_is_one_sentence(settings: Settings) -> None:
    with refresh.Refresh(settings) as one:
        warehouse.working_path(settings).unlink()
        with pytest.raises(WarehouseError, match="No such file"):
            one.extract()
