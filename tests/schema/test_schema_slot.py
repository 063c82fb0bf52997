"""The slot is made once, tells keys alone, leaves out what it must not touch, and goes when it is dropped."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from pydantic import SecretStr

from si_analytics import extract, schema
from si_analytics.errors import SchemaError
from si_analytics.schema import slot
from si_analytics.settings import Settings
from tests.support import extractions, slots
from tests.support.commands import Si


@pytest.fixture
def slotted(settings: Settings) -> Settings:
    return slots.reading_a_slot(settings)


def publications(postgres: psycopg.Connection) -> dict[str, list[str]]:
    query = "select tablename::text, attnames::text[] from pg_publication_tables where pubname = 'si_changes'"
    return dict(postgres.execute(query).fetchall())


def test_it_tells_the_key_of_each_extracted_table_and_nothing_else(
    slotted: Settings, postgres: psycopg.Connection
) -> None:
    report = slot.apply(slotted)
    assert (report.created, report.untold) == (True, ())
    assert publications(postgres) == {table: [extractions.key_of(table)] for table in extract.tables()}


def test_made_again_it_is_as_it_was(slotted: Settings, postgres: psycopg.Connection) -> None:
    """Anything else would cost the next refresh a scan of all tables."""
    slot.apply(slotted)
    query = "select oid, xmin, prrelid from pg_publication_rel order by oid"
    before = postgres.execute(query).fetchall(), slots.confirmed(postgres, slotted)
    assert slot.apply(slotted).created is False
    assert (postgres.execute(query).fetchall(), slots.confirmed(postgres, slotted)) == before


def test_tables_in_another_schema_are_published_there(slotted: Settings, postgres: psycopg.Connection) -> None:
    postgres.execute('alter schema public rename to "Shop"')
    postgres.execute("create schema public")
    there = slotted.model_copy(update={"source_schema": "Shop"})
    assert slot.apply(there).untold == ()
    query = "select distinct schemaname from pg_publication_tables where pubname = 'si_changes'"
    assert postgres.execute(query).fetchall() == [("Shop",)]
    before = postgres.execute("select oid, xmin from pg_publication_rel order by oid").fetchall()
    slot.apply(there)
    assert postgres.execute("select oid, xmin from pg_publication_rel order by oid").fetchall() == before


def test_a_table_without_that_key_is_left_out_and_can_still_be_updated(
    slotted: Settings, postgres: psycopg.Connection
) -> None:
    """Postgres refuses to update a published table whose rows it cannot tell apart."""
    postgres.execute("insert into users (email, password_hash, name, role) values ('a@x', '-', 'A', 'agent')")
    postgres.execute("alter table users drop constraint users_pkey cascade")
    report = slot.apply(slotted)
    assert report.untold == ("users",)
    assert "users" not in publications(postgres)
    assert postgres.execute("update users set name = 'B'").rowcount == 1
    postgres.execute("alter table users add primary key (id)")
    assert slot.apply(slotted).untold == ()


@pytest.mark.parametrize(
    "statement",
    [
        "alter publication si_changes drop table users",
        "alter publication si_changes add table refresh_tokens",
        "alter publication si_changes set (publish = 'insert')",
        "alter publication si_changes set table users",
    ],
)
def test_a_publication_that_was_changed_is_put_right(
    slotted: Settings, postgres: psycopg.Connection, statement: str
) -> None:
    slot.apply(slotted)
    postgres.execute(statement)  # type: ignore[arg-type]
    slot.apply(slotted)
    assert publications(postgres) == {table: [extractions.key_of(table)] for table in extract.tables()}
    whole = (
        "select pubinsert and pubupdate and pubdelete and pubtruncate from pg_publication where pubname = 'si_changes'"
    )
    assert postgres.execute(whole).fetchone() == (True,)


def test_dropped_it_is_gone_and_its_publication_stays_while_another_slot_may_need_it(
    slotted: Settings, postgres: psycopg.Connection
) -> None:
    other = slots.with_a_slot(slotted)
    slot.apply(slotted)
    assert slot.drop(slotted)
    assert publications(postgres)
    assert slot.drop(other)
    assert not publications(postgres)
    assert not slot.drop(slotted)


def test_a_slot_of_that_name_in_another_database_is_left_alone(
    slotted: Settings,
    passing_database: Callable[..., str],
    schema_template: str,
    make_settings: Callable[..., Settings],
) -> None:
    slot.apply(slotted)
    elsewhere = make_settings(passing_database(schema_template), slot=slotted.slot)
    with pytest.raises(SchemaError, match=r"has a slot of that name, with pgoutput\. Name another one: SI_SLOT"):
        slot.apply(elsewhere)
    assert not slot.drop(elsewhere)
    assert not slot.apply(slotted).created


def test_a_server_without_logical_decoding_is_told_what_to_set(
    outside_server: object, make_settings: Callable[..., Settings]
) -> None:
    settings = make_settings(outside_server.url_of(outside_server.create_database()))  # type: ignore[attr-defined]
    schema.apply(settings)
    with pytest.raises(SchemaError, match=r"wal_level is replica\. Set wal_level = logical"):
        slot.apply(settings)


def test_who_may_not_make_it_is_told_what_it_takes(
    slotted: Settings, postgres: psycopg.Connection, login: Callable[[], Settings]
) -> None:
    lesser = login()
    assert isinstance(lesser.postgres_url, SecretStr)
    with pytest.raises(SchemaError, match=r"alter role \.\.\. replication"):
        slot.apply(slotted.model_copy(update={"postgres_url": lesser.postgres_url}))
    assert not publications(postgres)


def test_the_command_makes_it_says_what_is_left_to_do_and_drops_it(
    slotted: Settings, si: Si, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = si(slotted)
    monkeypatch.setenv("SI_SLOT", slotted.slot)
    made = command("schema", "slot")
    assert made.code == 0
    assert f"Created the slot {slotted.slot}; it tells of {len(extract.tables())} tables" in made.out
    assert "set SI_CHANGES=slot" in made.out + made.err
    monkeypatch.setenv("SI_CHANGES", "slot")
    again = command("schema", "slot")
    assert f"There is the slot {slotted.slot}" in again.out
    assert "SI_CHANGES" not in again.out + again.err
    assert command("schema", "slot", "--json").document["created"] is False
    assert command("schema", "slot", "--drop").out == f"Dropped the slot {slotted.slot}\n"
    assert command("schema", "slot", "--drop", "--json").document == {"slot": slotted.slot, "dropped": False}
