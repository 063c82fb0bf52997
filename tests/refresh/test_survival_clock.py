"""Clocks that jump: a refresh that describes an earlier moment than the last one, or a far later one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg

from si_analytics import refresh, sample
from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings
from si_analytics.warehouse import versions
from tests.support import worlds
from tests.support.interruptions import state
from tests.support.published_tables import assert_published

FAR = datetime(2099, 12, 31, tzinfo=UTC)
"""A server whose battery died may think it is this day."""


def boards(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    """What the history holds, by day."""
    with query_warehouse.connect(settings) as warehouse:
        rows = warehouse.sql("select * from history.agent_leaderboard order by as_of_date, rank").rows(named=True)
    found: dict[str, list[tuple[object, ...]]] = {}
    for row in rows:
        found.setdefault(row["as_of_date"].isoformat(), []).append(tuple(row.values()))
    return found


def test_moments_that_go_back_and_jump_ahead_leave_each_days_board_and_every_refresh_is_right(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    """The end, ten days earlier, the year 2099, the end again: each publishes what the model says of its moment."""
    sample.generate(settings, scale=0.01, seed=37)
    moments = (sample.END, sample.END - timedelta(days=10), FAR, sample.END)
    held: dict[str, list[tuple[object, ...]]] = {}
    numbers = []
    for moment in moments:
        refresh.run(settings, as_of=moment)
        assert_published(postgres, worlds.read(postgres), moment)
        now = boards(settings)
        day = (moment - timedelta(microseconds=1)).date().isoformat()
        assert {d: rows for d, rows in now.items() if d != day} == {d: r for d, r in held.items() if d != day}
        assert now[day]
        held = now
        numbers.append(versions.available(settings)[-1].number)
        with query_warehouse.connect(settings) as warehouse:
            assert warehouse.as_of == moment
    assert numbers == [1, 2, 3, 4]
    assert len(held) == 3
    recorded = postgres.execute("select as_of from analytics.refreshes order by started_at").fetchall()
    assert [as_of for (as_of,) in recorded] == list(moments)


def test_which_refresh_is_the_last_does_not_hang_on_what_any_clock_said(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    """The record says the last refresh was made in 2099; the next one reads the changes since it all the same."""
    sample.generate(settings, scale=0.01, seed=41)
    refresh.run(settings, as_of=sample.END)
    postgres.execute("update analytics.refreshes set started_at = %s, finished_at = %s", [FAR, FAR])
    postgres.execute("update transactions set amount = 7 where id in (select id from transactions limit 2)")
    before = state(postgres)
    read = {one.table: one for one in refresh.run(settings, as_of=sample.END).extracts}
    assert (read["transactions"].mode, read["transactions"].updated) == ("incremental", 2)
    assert state(postgres) != before
    assert_published(postgres, worlds.read(postgres), sample.END)
