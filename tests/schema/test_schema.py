"""Applying the schema: all of it or nothing, what is missing and no more, on any server and by any owner."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from si_analytics import schema
from si_analytics.errors import SchemaError
from si_analytics.schema import operations
from si_analytics.settings import Settings
from tests.support.altering import add_user, opened, value
from tests.support.outside import OutsideServer

EVERYTHING = "select count(*) from pg_class where relnamespace = 'public'::regnamespace"


def test_an_empty_database_gets_the_whole_schema_and_the_report_counts_it(empty_settings: Settings) -> None:
    """42 tables and 5 of ours; the document's 130 indexes, 3 of user_reviews, 4 more of the materialized views."""
    assert schema.apply(empty_settings).counts == {
        "function": 2,
        "index": 137,
        "materialized view": 3,
        "publication": 1,
        "published table": 10,
        "schema": 1,
        "table": 47,
        "trigger": 19,
        "view": 31,
    }


def test_a_second_apply_creates_nothing(settings: Settings) -> None:
    report = schema.apply(settings)
    assert (dict(report.created), report.replaced) == ({}, ())


def test_applying_keeps_rows_and_what_an_application_added(settings: Settings) -> None:
    """A user, a column of the application's on users, an index and a table of its own: all there afterwards."""
    with opened(settings) as connection:
        connection.execute("alter table users add column nickname text default 'none'")
        connection.execute("create index idx_users_nickname on users (nickname)")
        connection.execute("create table audit_log (entry text)")
        connection.execute("drop table auto_payouts")
        add_user(connection)
        schema.apply(settings)
        assert value(connection, "select nickname from users") == "none"
        assert value(connection, "select to_regclass('idx_users_nickname') is not null")
        assert value(connection, "select to_regclass('audit_log') is not null")


def test_a_failure_half_way_leaves_nothing(settings: Settings) -> None:
    """deals lacks its reference to an agent, and one deal names an agent who is nobody: the last step fails."""
    with opened(settings) as connection:
        user = add_user(connection)
        gig = connection.execute(
            "insert into gigs (sponsor_id, title, description, budget_min, budget_max, categories, influencer_types)"
            " values (%s, 't', 'd', 1, 2, '{}', '{}') returning id",
            [user],
        ).fetchone()
        connection.execute("alter table deals drop constraint deals_agent_id_fkey")
        connection.execute(
            "insert into deals (gig_id, influencer_id, sponsor_id, agent_id, amount)"
            " values (%s, %s, %s, gen_random_uuid(), 1)",
            [gig[0] if gig else None, user, user],
        )
        connection.execute("drop table user_achievements, auto_payouts")
        before = value(connection, EVERYTHING)
        with pytest.raises(SchemaError, match=r"deals_agent_id_fkey.*Nothing was changed") as caught:
            schema.apply(settings)
        assert str(user) not in str(caught.value)
        assert value(connection, EVERYTHING) == before


def test_a_standing_table_gets_its_missing_column_with_default_key_index_and_check(settings: Settings) -> None:
    with opened(settings) as connection:
        add_user(connection)
        connection.execute("alter table users drop column rating, drop column referred_by, drop column email_verified")
        report = schema.apply(settings)
        assert set(report.created["column"]) == {"users.rating", "users.referred_by", "users.email_verified"}
        assert report.created["index"] == ("idx_users_referred_by",)
        assert report.created["check"] == ("users.users_rating_check",)
        assert report.created["foreign key"] == ("users.users_referred_by_fkey",)
        assert connection.execute("select rating, email_verified from users").fetchone() == (0, False)
    assert schema.diff(settings) == []


def test_a_missing_column_that_must_be_set_is_refused_where_rows_stand(settings: Settings) -> None:
    with opened(settings) as connection:
        add_user(connection)
        connection.execute("alter table users drop column password_hash")
        with pytest.raises(SchemaError, match=r"password_hash.*contains null values"):
            schema.apply(settings)
        connection.execute("delete from users")
    assert schema.apply(settings).created == {"column": ("users.password_hash",)}


def test_a_constraint_that_rows_violate_is_refused_without_showing_a_row(settings: Settings) -> None:
    with opened(settings) as connection:
        connection.execute("alter table users drop constraint users_email_key")
        add_user(connection, "twice@example.com")
        add_user(connection, "twice@example.com")
    with pytest.raises(SchemaError, match="users_email_key") as caught:
        schema.apply(settings)
    assert "twice" not in str(caught.value)


def test_a_standing_column_of_another_type_is_refused_by_name_with_both_types(empty_settings: Settings) -> None:
    with opened(empty_settings) as connection:
        connection.execute("create table users (id uuid primary key, email bytea not null)")
        with pytest.raises(SchemaError) as caught:
            schema.apply(empty_settings)
        assert "column users.email is bytea where character varying(255) is expected" in str(caught.value)
        assert value(connection, EVERYTHING) == 2  # the table and its key


def test_tables_of_another_origin_are_completed(empty_settings: Settings) -> None:
    """A users table with an id alone, made by someone else: every other column, key and index is added."""
    with opened(empty_settings) as connection:
        connection.execute("create table users (id uuid constraint pk_users primary key)")
        report = schema.apply(empty_settings)
        assert len(report.created["column"]) == 19
        assert set(report.created["unique"]) == {"users.users_email_key", "users.users_referral_code_key"}
        assert report.created["default"] == ("users.id",)
    assert schema.diff(empty_settings) == []


def test_two_applies_at_once_build_one_schema(empty_settings: Settings) -> None:
    barrier = threading.Barrier(2)

    def run() -> int:
        barrier.wait()
        return sum(schema.apply(empty_settings).counts.values())

    with ThreadPoolExecutor(2) as pool:
        created = sorted(each.result() for each in [pool.submit(run), pool.submit(run)])
    assert created[0] == 0
    assert created[1] > 0


def test_applying_and_comparing_wait_for_nobody_where_nothing_is_missing(settings: Settings) -> None:
    """A session in the middle of writing to users and to the summaries holds its locks all the while."""
    settings = settings.model_copy(update={"lock_timeout": 1})
    with opened(settings) as writer, writer.transaction():
        add_user(writer)
        writer.execute("delete from analytics.refreshes")
        assert schema.apply(settings).created == {}
        assert schema.diff(settings) == []


def test_others_see_the_summaries_while_a_comparison_is_under_way(settings: Settings) -> None:
    """The scratch build renames `analytics` and takes that back; a session beside it finds the schema throughout."""
    with opened(settings) as reader:
        stop = threading.Event()

        def read() -> int:
            seen = 0
            while not stop.is_set():
                seen += reader.execute("select count(*) from analytics.refreshes").rowcount
            return seen

        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(read)
            try:
                assert schema.diff(settings) == []
            finally:
                stop.set()
            assert reading.result() > 0


def test_an_apply_that_cannot_get_its_turn_says_who_has_it(settings: Settings) -> None:
    with opened(settings) as other, other.transaction():
        other.execute("select pg_advisory_xact_lock(%s)", [operations._LOCK])
        who = rf"kept it waiting for 1 s: process {other.info.backend_pid} of postgres .*since 20.*try again"
        with pytest.raises(SchemaError, match=who):
            schema.apply(settings.model_copy(update={"lock_timeout": 1}))


def test_a_database_without_the_schema_public_is_refused_with_the_remedy(empty_settings: Settings) -> None:
    with opened(empty_settings) as connection:
        connection.execute("drop schema public cascade")
    with pytest.raises(SchemaError, match=r"it has no schema public. Create it: create schema public"):
        schema.apply(empty_settings)


def test_a_role_with_a_search_path_of_its_own_builds_in_public(empty_settings: Settings) -> None:
    with opened(empty_settings) as connection:
        connection.execute("create schema elsewhere")
        connection.execute(
            "do $$ begin execute format('alter database %I set search_path = elsewhere', current_database()); end $$"
        )
        schema.apply(empty_settings)
        assert value(connection, "select count(*) from pg_class where relnamespace = 'elsewhere'::regnamespace") == 0
    assert schema.diff(empty_settings) == []


def test_require_names_what_is_missing_and_how_to_build_it(settings: Settings) -> None:
    schema.require(settings)
    with opened(settings) as connection:
        connection.execute("drop table auto_payouts")
        connection.execute("drop materialized view brand_leaderboard")
        connection.execute("drop table analytics.samples")
    with pytest.raises(SchemaError) as caught:
        schema.require(settings)
    assert "lacks auto_payouts, analytics.samples, brand_leaderboard" in caught.value.found
    assert "si schema apply" in caught.value.remedy


def test_require_on_an_empty_database_names_a_few_and_counts_the_rest(empty_settings: Settings) -> None:
    with pytest.raises(SchemaError, match=r"lacks users, influencer_profiles, .* and 76 more"):
        schema.require(empty_settings)


class TestOnAnotherServer:
    """PostgreSQL of the machine's own, over TCP with a password."""

    @pytest.fixture
    def owner(self, outside_server: OutsideServer) -> tuple[str, str]:
        return outside_server.create_role()

    def connecting(self, url: str) -> Settings:
        return Settings(_env_file=None, postgres_url=url)  # type: ignore[arg-type, call-arg]

    def test_a_role_that_merely_owns_the_database_builds_all_of_it(
        self, outside_server: OutsideServer, owner: tuple[str, str]
    ) -> None:
        settings = self.connecting(outside_server.url_of(outside_server.create_database(owner[0]), *owner))
        assert schema.apply(settings).counts["table"] == 47
        assert schema.apply(settings).created == {}
        assert schema.diff(settings) == []

    def test_tables_of_another_role_are_refused_in_one_sentence_and_nothing_is_left(
        self, outside_server: OutsideServer, owner: tuple[str, str]
    ) -> None:
        name = outside_server.create_database(owner[0])
        with psycopg.connect(outside_server.url_of(name), autocommit=True) as superuser:
            superuser.execute("create table users (id uuid primary key)")
            with pytest.raises(SchemaError, match=r"must be owner of table users. .*connect as the owner"):
                schema.apply(self.connecting(outside_server.url_of(name, *owner)))
            assert value(superuser, EVERYTHING) == 2

    def test_a_role_that_may_not_create_is_told_to_connect_as_the_owner(
        self, outside_server: OutsideServer, owner: tuple[str, str]
    ) -> None:
        settings = self.connecting(outside_server.url_of(outside_server.create_database(), *owner))
        for verb in (schema.apply, schema.diff):
            with pytest.raises(SchemaError, match=r"permission denied for database .*connect as the owner"):
                verb(settings)

    @pytest.mark.parametrize("place", ["public", "extensions"])
    def test_uuid_ossp_is_used_where_it_is_installed_whatever_schema_it_is_in(
        self, outside_server: OutsideServer, place: str, make_settings: Callable[..., Settings]
    ) -> None:
        url = outside_server.url_of(outside_server.create_database())
        with psycopg.connect(url, autocommit=True) as connection:
            if not value(connection, "select count(*) from pg_available_extensions where name = 'uuid-ossp'"):
                leave = pytest.fail if os.environ.get("CI") else pytest.skip
                leave("the server has no contrib modules: install postgresql-contrib")
            connection.execute(f"create schema if not exists {place}")
            connection.execute(f'create extension "uuid-ossp" schema {place}')
            settings = make_settings(url)
            assert schema.apply(settings).created["function"] == ("update_updated_at_column()",)
            default = (
                "select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = 'deals'::regclass and adnum = 1"
            )
            assert value(connection, default).removeprefix(f"{place}.") == "uuid_generate_v4()"
            used = "select count(*) from pg_depend where refobjid = to_regproc(%s) and classid = 'pg_attrdef'::regclass"
            found = connection.execute(used, [f"{place}.uuid_generate_v4"]).fetchone()
            assert found is not None
            assert found[0] > 30
            assert schema.diff(settings) == []
