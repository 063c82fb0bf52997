"""`si doctor` says whether the log can be read, how near a slot is to being lost, and which slot nobody needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from si_analytics import postgres, schema
from si_analytics.health import slot as looking
from si_analytics.health.findings import Finding, Verdict
from si_analytics.postgres import embedded
from si_analytics.postgres import slots as state_of
from si_analytics.schema import slot
from si_analytics.settings import Settings
from tests.support import outside, slots

NOW = datetime.now(UTC)
_GB = 1_000_000_000


def found(settings: Settings, now: datetime = NOW) -> Finding:
    """The one finding on slots."""
    (one,) = looking.look(settings, now)
    return one


def test_nothing_is_said_where_changes_are_scanned_and_no_slot_is_left(settings: Settings) -> None:
    assert looking.look(settings, NOW) == []


def test_a_slot_in_order_is_said_to_be_with_what_it_holds_back(settings: Settings) -> None:
    one = found(slots.with_a_slot(settings))
    assert one.verdict is Verdict.well
    assert "tells of 29 tables and holds back 0." in one.found
    assert "of 4,295 before it is lost" in one.found


def test_a_slot_that_is_missing_is_made_by_a_command(settings: Settings) -> None:
    one = found(slots.reading_a_slot(settings))
    assert (one.verdict, one.found.split(": ")[1]) == (Verdict.notable, "there is no slot of that name")
    assert one.remedy.startswith("Make it anew: si schema slot")


def test_a_publication_that_tells_more_than_keys_is_named(settings: Settings, postgres: psycopg.Connection) -> None:
    slotted = slots.with_a_slot(settings)
    postgres.execute("alter publication si_changes set table users")
    said = [one.found for one in looking.look(slotted, NOW)]
    assert any("does not tell the keys" in one for one in said)


def test_a_published_table_that_lost_its_key_is_wrong_until_it_is_taken_out(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    """Postgres cannot tell its rows apart in the log, so it refuses to update them."""
    slotted = slots.with_a_slot(settings)
    postgres.execute("alter table users drop constraint users_pkey cascade")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        postgres.execute("update users set name = 'B'")
    for current in (slotted, settings):
        wrong = [one.found for one in looking.look(current, NOW) if one.verdict is Verdict.wrong]
        assert wrong == ["Postgres refuses updates and deletes of users, whose key is not the published one any more"]
    slot.apply(slotted)
    assert found(slotted).verdict is Verdict.well
    postgres.execute("update users set name = 'B'")


def test_a_role_that_may_not_read_the_slot_is_told_the_statement(
    settings: Settings, login: Callable[[], Settings]
) -> None:
    slotted = slots.with_a_slot(settings)
    lesser = login()
    user = psycopg.conninfo.conninfo_to_dict(lesser.postgres_url.get_secret_value())["user"]  # type: ignore[union-attr]
    said = looking.look(slotted.model_copy(update={"postgres_url": lesser.postgres_url}), NOW)
    assert [one.remedy.split(";")[0] for one in said if "lacks" in one.found] == [
        f"As a superuser: alter role {user} replication"
    ]


def test_a_slot_that_nobody_reads_any_more_is_named_with_how_to_drop_it(
    settings: Settings, postgres: psycopg.Connection
) -> None:
    """Two warehouses had a slot; of one nobody took anything for three days."""
    left = slots.with_a_slot(settings)
    if postgres.info.server_version < 170_000:
        pytest.skip("PostgreSQL before 17 does not say since when nobody reads a slot")
    one = found(settings, datetime.now(UTC) + timedelta(days=3))
    assert one.verdict is Verdict.notable
    assert one.found.startswith(f"{left.slot} was not read for 3 days and holds back")
    assert one.remedy == f"If nothing needs it any more: select pg_drop_replication_slot('{left.slot}')"


@pytest.mark.parametrize(
    ("held", "limit", "verdict", "words"),
    [
        (2 * _GB, 8 * _GB, Verdict.well, "2,000.0 MB of the log, of 8,000 before it is lost"),
        (5 * _GB, 8 * _GB, Verdict.notable, "5,000.0 MB of the log, of 8,000 before it is lost"),
        (1, -1, Verdict.notable, "without a limit"),
    ],
)
def test_what_a_slot_holds_back_is_compared_with_what_it_may(
    settings: Settings, held: int, limit: int, verdict: Verdict, words: str
) -> None:
    slotted = slots.with_a_slot(settings)
    with postgres.connect(slotted) as connection:
        state = replace(state_of.look(connection, slotted.slot), retained_bytes=held, size_limit_bytes=limit)
    (one,) = looking.ours(slotted, state, [("", 1, True, ["id"])])
    assert (one.verdict, words in one.found) == (verdict, True)


def test_a_slot_that_was_lost_is_made_anew(make_settings: Callable[..., Settings]) -> None:
    with slots.keeping_little(outside.installed_binaries() or embedded.binaries()) as server:
        settings = make_settings(server.url_of(server.create_database()))
        schema.apply(settings)
        slotted = slots.with_a_slot(settings)
        with psycopg.connect(server.url, autocommit=True) as postgres:
            slots.lose(postgres, slotted)
        one = found(slotted)
        assert one.found.endswith("the slot has lost its part of the log")
        assert slot.apply(slotted).created
        assert found(slotted).verdict is Verdict.well or "before it is lost" in found(slotted).found
