"""Every value arrives as it stands in Postgres, at the extremes of each type, read whole or as a change."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest
from psycopg import sql as pg_sql

from si_analytics.settings import Settings
from tests.support import extractions
from tests.support.extractions import extraction

TEXTS = ["", " ", "x" * 1_000_000, "\U0001f98a\u202e\ud7ff\uffff\u0301", "\x01\t\r\n\\N\"'", "null", "{}"]
AMOUNTS = ["9999999999999.99", "-9999999999999.99", "0.01", "-0.01", "0.00"]
KEYS = [UUID(int=0), UUID(int=2**128 - 1), UUID(int=2**127), UUID(int=2**127 - 1)]
ARRAYS = [None, [], [None], ["", "a,b", '"{}"\\', "NULL", None], ["x" * 100_000], ["é"] * 3000]
TIMES = ["4714-11-24 00:00:00+00 BC", "0044-03-15 12:00:00.000001+00 BC", "infinity", "-infinity"]
TIMES += ["1999-12-31 23:59:59.999999+00", "9999-12-31 23:59:59.999999+00", "294246-12-31 23:59:59.999999+00"]


@pytest.fixture(params=["whole", "changes"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("si_analytics.extract.reading._MOST_CHANGED", 1.0)
    found: str = request.param
    return found


def put(postgres: psycopg.Connection, table: str, number: int, **values: object) -> None:
    values = {extractions.key_of(table): UUID(int=number), **values}
    names = pg_sql.SQL(", ").join(map(pg_sql.Identifier, values))
    places = pg_sql.SQL(", ").join(pg_sql.Placeholder() for _ in values)
    statement = pg_sql.SQL("insert into {} ({}) values ({})").format(pg_sql.Identifier(table), names, places)
    postgres.execute(statement, list(values.values()))


def test_texts_keys_arrays_booleans_and_amounts_arrive_as_they_are(settings: Settings, way: str) -> None:
    with extraction(settings, "users", "transactions", "agent_profiles", "conversations") as reading:
        postgres = reading.postgres
        postgres.execute("set session_replication_role = replica")
        if way == "changes":
            reading.refresh()
        for number, text in enumerate([*TEXTS, None]):
            active = (True, False, None)[number % 3]
            user = {"email": str(number), "password_hash": "-", "name": (text or "")[:255], "role": "agent"}
            put(postgres, "users", number, avatar=text, is_active=active, **user)
        for number, amount in enumerate(AMOUNTS):
            put(postgres, "transactions", number, type="refund", amount=amount, currency=None)
        for number, array in enumerate(ARRAYS):
            put(postgres, "agent_profiles", number, specialties=array)
        for number, keys in enumerate(([], KEYS, [None])):
            put(postgres, "conversations", number, participants=keys)
        for key in KEYS[1:]:
            put(postgres, "transactions", key.int, type="refund", amount="1.00", to_user_id=key)
        assert {one.mode for one in reading.refresh().values()} == {"full" if way == "whole" else "incremental"}
        reading.assert_equal()


def test_times_arrive_to_the_microsecond_before_our_era_and_without_end(settings: Settings, way: str) -> None:
    with extraction(settings, "transactions") as reading:
        if way == "changes":
            reading.refresh()
        for number, time in enumerate(TIMES):
            put(reading.postgres, "transactions", number, type="refund", amount="1.00", created_at=time)
        reading.refresh()
        infinite = "case when isinf(created_at) then created_at::varchar else epoch_us(created_at)::varchar end"
        held = reading.connection.sql(f"select {infinite} from raw.transactions order by id").fetchall()
        standing = reading.postgres.execute(
            "select case when isfinite(created_at) then trunc(extract(epoch from created_at) * 1000000)::text"
            " else created_at::text end from transactions order by id"
        ).fetchall()
        assert held == standing
