"""The packaged warehouse: made without any server, and telling what a refresh of the same sample tells."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import si_analytics as si
from si_analytics import packaged_sample, refresh, sample
from si_analytics.compute import metrics
from si_analytics.definitions import project
from si_analytics.errors import UsageError
from si_analytics.postgres import embedded
from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings


@pytest.fixture(scope="module")
def alone() -> Iterator[query_warehouse.Warehouse]:
    """The packaged warehouse, made while nothing may be connected to and no program started."""

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("the packaged warehouse reached outside its process")

    with pytest.MonkeyPatch.context() as kept, pytest.MonkeyPatch.context() as patched:
        kept.setattr(packaged_sample, "_made", [])
        patched.setattr(socket.socket, "connect", refuse)
        patched.setattr(subprocess, "Popen", refuse)
        patched.setattr(embedded, "start", refuse)
        patched.setenv("SI_POSTGRES_URL", "postgresql://nobody@nowhere.invalid/none")
        patched.setenv("SI_CURRENCY", "eur")
        with si.sample_warehouse() as made:
            patched.undo()
            yield made


def test_it_needs_no_postgres_no_network_and_no_settings(alone: query_warehouse.Warehouse) -> None:
    assert alone.currency == "usd"
    assert alone.as_of == sample.END
    board = alone.agent_leaderboard()
    assert board.height > 20
    assert board["total_earnings"][0] > 0
    assert alone.refreshes()["number"].to_list() == [1, 2]


def test_every_verb_answers(alone: query_warehouse.Warehouse) -> None:
    """Also those that compare refreshes, look at days gone by, and at the rows behind a number."""
    best = alone.agent_leaderboard().row(0, named=True)
    behind = alone.explain("agent_leaderboard", best["agent_id"], "total_earnings")
    assert behind["value"].sum() == best["total_earnings"]
    assert alone.diff().height > 0
    assert alone.history()["as_of_date"].n_unique() == 8
    assert alone.funnel("invite", by="method", within="14d").height > 8


def test_it_is_made_once_and_opened_as_often_as_asked(alone: query_warehouse.Warehouse) -> None:
    first, second = si.sample_warehouse(), si.sample_warehouse()
    assert first.settings == second.settings == alone.settings
    first.close()
    assert second.agent_leaderboard().height > 20


def test_its_rows_types_and_numbers_are_those_of_a_refresh_of_the_sample_in_postgres(
    alone: query_warehouse.Warehouse,
    create_database: Callable[..., str],
    schema_template: str,
    tmp_path: Path,
) -> None:
    """Every raw table and every metric, row by row: neither the database nor its extraction changes anything."""
    warehouse = tmp_path / "warehouse.duckdb"
    url = create_database(schema_template)
    using = Settings(_env_file=None, postgres_url=url, home=tmp_path, warehouse=warehouse)  # type: ignore[arg-type, call-arg]
    sample.generate(using, scale=packaged_sample.SCALE, seed=packaged_sample.SEED)
    refresh.run(using, as_of=sample.END)
    with query_warehouse.connect(using) as published:
        raw = published.tables().filter(pl.col("schema") == "raw")["table"].to_list()
        assert len(raw) > 15
        for table in raw:
            query = f'select * from raw."{table}" order by {project().sources[table].key}'
            assert_frame_equal(published.sql(query), alone.sql(query))
        for name in metrics.names():
            assert_frame_equal(published.metric(name), alone.metric(name))


def test_it_is_read_only_like_any_other(alone: query_warehouse.Warehouse) -> None:
    with pytest.raises(UsageError, match="it changes something"):
        alone.sql("drop table raw.deals")
