"""A marketplace written to files and loaded again is the same marketplace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from psycopg import sql

from si_analytics import sample, schema
from si_analytics.load import load
from si_analytics.postgres import copying
from si_analytics.settings import Settings

Write = Callable[[Path, str, pl.DataFrame], None]


def as_csv(folder: Path, table: str, frame: pl.DataFrame) -> None:
    """Lists as array literals; null is nothing at all, an empty text is quoted."""
    texts = [
        copying.array_literals(frame[name]) if isinstance(frame[name].dtype, pl.List) else frame[name]
        for name in frame.columns
    ]
    pl.DataFrame(texts).write_csv(folder / f"{table}.csv", quote_style="necessary")


def as_parquet(folder: Path, table: str, frame: pl.DataFrame) -> None:
    frame.write_parquet(folder / f"{table}.parquet")


def by_turns(folder: Path, table: str, frame: pl.DataFrame) -> None:
    (as_csv if schema.tables().index(table) % 2 else as_parquet)(folder, table, frame)


def fingerprints(connection: psycopg.Connection[Any]) -> dict[str, tuple[int, str]]:
    """The number of rows of every table, and a hash over all that is in them."""
    return {
        table: connection.execute(
            sql.SQL("select count(*), md5(string_agg(t::text, chr(10) order by t::text)) from {} as t").format(
                sql.Identifier(table)
            )
        ).fetchone()  # type: ignore[misc]
        for table in schema.tables()
    }


@pytest.mark.parametrize("write", [as_csv, as_parquet, by_turns])
def test_a_sample_written_to_files_and_loaded_equals_the_generated_one(
    write: Write,
    settings: Settings,
    postgres: psycopg.Connection[Any],
    create_database: Callable[..., str],
    make_settings: Callable[..., Settings],
    schema_template: str,
    tmp_path: Path,
) -> None:
    sample.generate(settings, scale=0.05, seed=3)
    for table, frame in sample.frames(scale=0.05, seed=3).items():
        write(tmp_path, table, frame)
    other = create_database(schema_template)
    report = load(make_settings(other), tmp_path)
    with psycopg.connect(other) as connection:
        connection.execute("set time zone 'UTC'")
        assert fingerprints(connection) == fingerprints(postgres)
    assert len(report.rows) == 42
