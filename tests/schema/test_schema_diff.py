"""Comparing a database with the declared schema: each kind of tampering is found, told once, and mended or refused."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from si_analytics import schema
from si_analytics.errors import SchemaError
from si_analytics.schema import ddl, introspection
from si_analytics.schema.introspection import Difference, Item
from si_analytics.settings import Settings
from tests.support.altering import opened

# What was done, and the one difference it makes. What is missing is created again by an apply.
MISSING = [
    ("drop table auto_payouts", "table", "auto_payouts"),
    ("drop table analytics.samples", "table", "analytics.samples"),
    ("alter table deals drop column contract_hash", "column", "deals.contract_hash"),
    ("alter table deals alter column status drop default", "default", "deals.status"),
    ("alter table deals alter column amount drop not null", "not null", "deals.amount"),
    ("alter table deals drop constraint deals_status_check", "check", "deals.deals_status_check"),
    ("alter table deals drop constraint deals_agent_id_fkey", "foreign key", "deals.deals_agent_id_fkey"),
    ("alter table users drop constraint users_email_key", "unique", "users.users_email_key"),
    ("alter table matches drop constraint matches_pkey", "primary key", "matches.matches_pkey"),
    ("drop index idx_deals_status", "index", "idx_deals_status"),
    ("drop index idx_agent_leaderboard_agent_id", "index", "idx_agent_leaderboard_agent_id"),
    ("drop trigger update_gigs_updated_at on gigs", "trigger", "gigs.update_gigs_updated_at"),
    ("drop view active_gigs", "view", "active_gigs"),
    ("drop materialized view brand_leaderboard", "materialized view", "brand_leaderboard"),
    ("alter publication si_realtime drop table messages", "published table", "si_realtime: messages"),
]
CHANGED = [
    (
        "alter table deals alter column agent_commission type numeric(20, 4)",
        "column",
        "deals.agent_commission",
        "numeric(20,4)",
    ),
    (
        'alter table deals alter column contract_hash type text collate "C"',
        "column",
        "deals.contract_hash",
        'text collate "C"',
    ),
    ("alter table deals alter column status set default 'active'", "default", "deals.status", "'active'"),
    ("alter table deals alter column contract_hash set default 'none'", "default", "deals.contract_hash", "'none'"),
    ("alter table deals alter column agent_id set not null", "not null", "deals.agent_id", "not null"),
    ("alter table saved_gigs set unlogged", "table", "saved_gigs", "unlogged table"),
    (
        "alter table deals drop constraint deals_status_check,"
        " add constraint deals_status_check check (status in ('pending', 'active'))",
        "check",
        "deals.deals_status_check",
        "CHECK",
    ),
    (
        "alter table deals drop constraint deals_gig_id_fkey,"
        " add constraint of_a_gig foreign key (gig_id) references gigs (id) on delete cascade",
        "foreign key",
        "deals.deals_gig_id_fkey",
        "ON DELETE CASCADE",
    ),
    (
        "alter table deals drop constraint deals_agent_id_fkey,"
        " add constraint deals_agent_id_fkey foreign key (agent_id) references users (id) not valid",
        "foreign key",
        "deals.deals_agent_id_fkey",
        "NOT VALID",
    ),
    (
        "alter table matches drop constraint matches_pkey, add primary key (id, user_id)",
        "primary key",
        "matches.matches_pkey",
        "PRIMARY KEY (id, user_id)",
    ),
    (
        "drop index idx_deals_status; create index idx_deals_status on gigs (status)",
        "index",
        "idx_deals_status",
        "ON gigs",
    ),
    ("alter table gigs disable trigger update_gigs_updated_at", "trigger", "gigs.update_gigs_updated_at", "(disabled)"),
    (
        "create or replace trigger update_gigs_updated_at after update on gigs"
        " for each row execute function update_updated_at_column()",
        "trigger",
        "gigs.update_gigs_updated_at",
        "AFTER UPDATE",
    ),
    (
        "create or replace function update_updated_at_column() returns trigger language plpgsql"
        " as 'begin return new; end'",
        "function",
        "update_updated_at_column()",
        "begin return new; end",
    ),
    (
        "alter publication si_realtime set (publish = 'insert')",
        "publication",
        "si_realtime",
        "insert",
    ),
    ("drop view active_gigs; create table active_gigs (id uuid)", "view", "active_gigs", "table"),
]
EXTRA = [
    ("create table audit_log (entry text not null default 'x')", "table", "audit_log"),
    ("create table analytics.scratch (entry text)", "table", "analytics.scratch"),
    ("create view spenders as select id from users", "view", "spenders"),
    ("alter table users add column nickname text not null default 'x'", "column", "users.nickname"),
    ("create index on users (name)", "index", "users_name_idx"),
    ("alter table users add constraint has_name check (name <> '')", "check", "users.has_name"),
    ("alter publication si_realtime add table escrow_jobs", "published table", "si_realtime: escrow_jobs"),
    (
        "create trigger touch before update on gigs for each row execute function update_updated_at_column()",
        "trigger",
        "gigs.touch",
    ),
]
# A difference in words alone.
EQUAL = [
    "alter table users rename constraint users_email_key to uq_email",
    "alter table deals rename constraint deals_gig_id_fkey to of_a_gig",
    # As a dump writes it and a restore stores it.
    "alter table deals drop constraint deals_status_check, add constraint deals_status_check check"
    " (((status)::text = any (array[('pending'::character varying)::text, ('active'::character varying)::text,"
    " ('completed'::character varying)::text, ('cancelled'::character varying)::text])))",
    # As the schema document writes it.
    "create or replace function update_updated_at_column() returns trigger as"
    " $$\nBEGIN\n    NEW.updated_at = NOW();\n    RETURN NEW;\nEND;\n$$ language plpgsql",
    "create or replace view active_gigs as select g.*, u.name as sponsor_name, u.avatar as sponsor_avatar,"
    " count(distinct ga.id) as application_count from gigs g join users u on g.sponsor_id = u.id"
    " left join gig_applications ga on g.id = ga.gig_id where g.status = 'open' group by g.id, u.name, u.avatar",
    "create or replace function uuid_generate_v4() returns uuid language sql as 'select gen_random_uuid()'",
]


@pytest.fixture(scope="module")
def whole(create_database: Callable[..., str], schema_template: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection on one database with the whole schema, for tests that leave it as it was."""
    with psycopg.connect(create_database(schema_template), autocommit=True) as connection:
        yield connection


@pytest.fixture
def standing(whole: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """The same, in a transaction that is taken back."""
    with whole.transaction(force_rollback=True):
        yield whole


@pytest.mark.parametrize(("statement", "kind", "name"), MISSING)
def test_what_is_missing_is_named_once_and_created_by_an_apply(
    standing: psycopg.Connection[Any], statement: str, kind: str, name: str
) -> None:
    before = introspection.read(standing, "public")
    standing.execute(statement)
    found = schema.diff_on(standing)
    assert [(each.status, each.kind, each.name) for each in found] == [("missing", kind, name)]
    assert name in schema.apply_on(standing).created[kind]
    after = introspection.read(standing, "public")
    assert [each for each in introspection.compare(before, after) if not each.extra] == []


@pytest.mark.parametrize(("statement", "kind", "name", "found"), CHANGED)
def test_what_was_changed_is_named_with_what_was_found_and_refused_by_an_apply(
    standing: psycopg.Connection[Any], statement: str, kind: str, name: str, found: str
) -> None:
    standing.execute(statement)
    before = introspection.read(standing, "public")
    differences = schema.diff_on(standing)
    assert [(each.status, each.kind, each.name) for each in differences] == [("changed", kind, name)]
    assert found in str(differences[0].found)
    with pytest.raises(SchemaError, match="Nothing was changed") as caught:
        schema.apply_on(standing, replace_views=True)
    assert f"the {kind} {name} is " in caught.value.found
    assert introspection.read(standing, "public") == before


@pytest.mark.parametrize(("statement", "kind", "name"), EXTRA)
def test_what_an_application_added_is_listed_as_extra_and_left_alone(
    standing: psycopg.Connection[Any], statement: str, kind: str, name: str
) -> None:
    standing.execute(statement)
    before = introspection.read(standing, "public")
    differences = schema.diff_on(standing)
    assert [(each.extra, each.status, each.kind, each.name) for each in differences] == [(True, "extra", kind, name)]
    assert schema.apply_on(standing).created == {}
    assert introspection.read(standing, "public") == before


@pytest.mark.parametrize("statement", EQUAL)
def test_what_differs_in_words_alone_is_no_difference(standing: psycopg.Connection[Any], statement: str) -> None:
    standing.execute(statement)
    assert schema.diff_on(standing) == []


def test_a_missing_publication_is_created_with_its_tables(standing: psycopg.Connection[Any]) -> None:
    standing.execute("drop publication si_realtime")
    assert {each.kind for each in schema.diff_on(standing)} == {"publication", "published table"}
    assert len(schema.apply_on(standing).created["published table"]) == 10


def test_a_missing_function_takes_its_triggers_with_it_and_comes_back_with_them(
    standing: psycopg.Connection[Any],
) -> None:
    standing.execute("drop function update_updated_at_column() cascade")
    assert len(schema.diff_on(standing)) == 20
    assert len(schema.apply_on(standing).created["trigger"]) == 19


def test_an_index_left_invalid_by_an_interrupted_build_is_told(standing: psycopg.Connection[Any]) -> None:
    standing.execute("update pg_index set indisvalid = false where indexrelid = 'idx_deals_status'::regclass")
    (difference,) = schema.diff_on(standing)
    assert difference.name == "idx_deals_status"
    assert str(difference.found).endswith("(invalid)")


def test_comparing_changes_nothing(empty_settings: Settings) -> None:
    """An empty database is still empty afterwards: no scratch schema, no publication, no function."""
    differences = schema.diff(empty_settings)
    assert {each.status for each in differences} == {"missing"}
    with opened(empty_settings) as connection:
        left = connection.execute(
            "select count(*) from pg_namespace where nspname like 'si%' or nspname = 'analytics'"
            " union all select count(*) from pg_publication"
            " union all select count(*) from pg_proc where pronamespace = 'public'::regnamespace"
        ).fetchall()
    assert left == [(0,), (0,), (0,)]


def test_a_comparison_is_in_a_total_order_with_the_extras_last(standing: psycopg.Connection[Any]) -> None:
    standing.execute("drop index idx_deals_status; create table audit_log (); drop index idx_gigs_status")
    assert [each.name for each in schema.diff_on(standing)] == ["idx_deals_status", "idx_gigs_status", "audit_log"]


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("CHECK (((a > 1) OR ((b > 2) AND (c > 3))))", "CHECK ((((a > 1) OR (b > 2)) AND (c > 3)))", False),
        ("CHECK ((a > 1))", "CHECK (a > 1)", True),
        ("CHECK (((a)::integer > 1))", "CHECK ((a > 1))", False),
        ("CHECK (((a)::text = 'X'::text))", "CHECK (((a)::text = 'x'::text))", False),
    ],
)
def test_two_checks_are_the_same_when_they_mean_the_same(one: str, other: str, equal: bool) -> None:
    """Brackets that change the order of things and casts that change a value are told apart from those that do not."""
    items = [Item("check", "t", "c", definition) for definition in (one, other)]
    assert introspection.same(items[0], items[1]) is equal


def test_the_status_of_a_difference_follows_from_what_was_declared_and_found() -> None:
    assert Difference("index", "i", "declared", None).status == "missing"
    assert Difference("index", "i", "declared", "found").status == "changed"
    assert Difference("index", "i", None, "found", extra=True).status == "extra"


@hypothesis_settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_whatever_is_dropped_an_apply_brings_it_back(whole: psycopg.Connection[Any], seed: int) -> None:
    """Any ten objects of the schema, and all that depends on them, dropped: an apply leaves no difference."""
    chosen = random.Random(seed).sample([each for each in ddl.statements() if each.kind != "schema"], 10)
    with whole.transaction(force_rollback=True):
        for each in chosen:
            table = each.name.removeprefix("update_").removesuffix("_updated_at")
            if each.kind != "trigger":
                cascade = "" if each.kind == "publication" else "cascade"
                whole.execute(f"drop {each.kind} if exists {each.name} {cascade}")
            elif whole.execute("select to_regclass(%s) is not null", [table]).fetchone() == (True,):
                whole.execute(f"drop trigger if exists {each.name} on {table}")
        created = schema.apply_on(whole).created
        assert set(created) & {each.kind for each in chosen}
        assert schema.diff_on(whole) == []
