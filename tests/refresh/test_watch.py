"""Whether the operational data changed since the last refresh: what counts, what does not, at what cost."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from si_analytics import refresh, sample
from si_analytics.errors import ServerError, UsageError
from si_analytics.refresh import watch
from si_analytics.refresh.polling import Polling
from si_analytics.settings import Settings
from tests.support.commands import AS_OF


@pytest.fixture(scope="module")
def living(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """A small marketplace, refreshed once; each test leaves it as the warehouse knows it."""
    home = tmp_path_factory.mktemp("living")
    url = create_database(schema_template)
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[call-arg, arg-type]
    sample.generate(made, scale=0.02)
    refresh.run(made, as_of=datetime.fromisoformat(AS_OF))
    return made


@pytest.fixture
def application(living: Settings) -> psycopg.Connection:
    """The application's connection on that marketplace."""
    assert living.postgres_url is not None
    return psycopg.connect(living.postgres_url.get_secret_value(), autocommit=True)


def test_before_the_first_refresh_everything_is_new(settings: Settings) -> None:
    look = watch.look(settings)
    assert (look.changed, look.reason) == (True, "nothing was read before")


def test_what_the_refresh_itself_wrote_is_no_change(living: Settings) -> None:
    """The first refresh gave users their ratings and agents their earnings: rows of tables that it reads."""
    look = watch.look(living)
    assert (look.changed, look.tables) == (False, ())
    again = watch.look(living, look.cursor)
    assert (again.changed, again.reason) == (False, "Postgres wrote nothing since the last look")


@pytest.mark.parametrize(
    ("written", "undone", "table"),
    [
        (
            "update public.users set name = name || '!' where id = (select min(id::text)::uuid from public.users)",
            "update public.users set name = rtrim(name, '!') where name like '%!'",
            "users",
        ),
        (
            "insert into public.transactions (id, type, amount, status) values"
            " ('00000000-0000-4000-8000-000000000001', 'refund', 1, 'failed')",
            "delete from public.transactions where id = '00000000-0000-4000-8000-000000000001'",
            "transactions",
        ),
        (
            "create table public.kept as select * from public.user_reviews; delete from public.user_reviews"
            " where id = (select min(id::text)::uuid from public.kept)",
            "insert into public.user_reviews select * from public.kept on conflict do nothing; drop table public.kept",
            "user_reviews",
        ),
    ],
    ids=["update", "insert", "delete"],
)
def test_a_changed_row_is_a_change_until_it_is_as_it_was(
    living: Settings, application: psycopg.Connection, written: str, undone: str, table: str
) -> None:
    cursor = watch.look(living).cursor
    application.execute(written)  # type: ignore[call-overload]
    look = watch.look(living, cursor)
    assert (look.changed, look.tables) == (True, (table,))
    assert watch.look(living, look.cursor).changed, "it stays one until a refresh has read it"
    application.execute(undone)  # type: ignore[call-overload]
    assert not watch.look(living, look.cursor).changed


def test_what_no_metric_reads_is_no_change(living: Settings, application: psycopg.Connection) -> None:
    """Signing in writes a row of users, in a column that is not read; a token of a session a table that is not."""
    cursor = watch.look(living).cursor
    application.execute("update public.users set email = email || '.example'")
    application.execute(
        "insert into public.refresh_tokens (user_id, token, expires_at)"
        " select id, id::text || 'x', now() from public.users"
    )
    look = watch.look(living, cursor)
    assert (look.changed, look.reason) == (False, "what was written since concerns nothing that is read")


def test_a_transaction_that_ends_later_is_seen_then(living: Settings, application: psycopg.Connection) -> None:
    assert living.postgres_url is not None
    application.execute("create table public.noise (number integer)")
    with psycopg.connect(living.postgres_url.get_secret_value()) as slow:
        slow.execute("update public.deals set amount = amount + 1")
        first = watch.look(living)
        application.execute("insert into public.noise values (1)")
        second = watch.look(living, first.cursor)
        assert (first.changed, second.changed) == (False, False)
        slow.commit()
        third = watch.look(living, second.cursor)
        assert third.tables == ("deals",)
        slow.execute("update public.deals set amount = amount - 1")
    application.execute("drop table public.noise")
    assert not watch.look(living, third.cursor).changed


def test_a_transaction_that_stays_open_does_not_have_every_table_looked_at_again_and_again(
    living: Settings, application: psycopg.Connection
) -> None:
    """And what others commit meanwhile is seen, and what it wrote itself when it ends."""
    assert living.postgres_url is not None
    with psycopg.connect(living.postgres_url.get_secret_value()) as slow:
        slow.execute("update public.deals set amount = amount + 1")
        cursor = watch.look(living).cursor
        assert watch.look(living, cursor).reason == "Postgres wrote nothing since the last look"
        application.execute("update public.users set name = name || '!'")
        assert watch.look(living, cursor).tables == ("users",)
        application.execute("update public.users set name = rtrim(name, '!')")
        cursor = watch.look(living, cursor).cursor
        slow.commit()
        assert watch.look(living, cursor).tables == ("deals",)
        slow.execute("update public.deals set amount = amount - 1")
    assert not watch.look(living, cursor).changed


def test_of_a_snapshot_of_a_standby_with_transactions_at_work_nothing_is_concluded(living: Settings) -> None:
    """It leaves out which they are, so that its text stays the same when one of them is committed."""
    with contextlib.closing(Polling(living)) as polling:
        assert not polling.nothing_since("5:9:")


def test_a_connection_that_was_ended_between_two_questions_is_opened_again(
    living: Settings, application: psycopg.Connection
) -> None:
    with contextlib.closing(Polling(living)) as polling:
        ((snapshot,),) = application.execute("select pg_current_snapshot()::text").fetchall()
        assert polling.nothing_since(snapshot)
        application.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        assert polling.nothing_since(snapshot)


def test_a_rewritten_table_with_the_same_rows_is_looked_at_whole(
    living: Settings, application: psycopg.Connection
) -> None:
    application.execute("cluster public.deals using deals_pkey")
    assert not watch.look(living).changed
    application.execute("begin; create table public.kept as select * from public.deals; truncate public.deals cascade")
    application.execute("rollback")
    assert not watch.look(living).changed


def test_a_role_that_may_not_ask_which_server_it_is_still_gets_an_exact_answer(
    living: Settings, application: psycopg.Connection
) -> None:
    role = sql.Identifier(f"looker {application.info.backend_pid}")
    application.execute(sql.SQL("create role {} login").format(role))
    application.execute(sql.SQL("grant select on all tables in schema public to {}").format(role))
    assert living.postgres_url is not None
    address = living.postgres_url.get_secret_value().replace("postgres@", f"looker%20{application.info.backend_pid}@")
    other = living.model_copy(update={"postgres_url": type(living.postgres_url)(address)})
    try:
        assert not watch.look(other).changed
        application.execute("update public.deals set amount = amount + 1")
        assert watch.look(other).tables == ("deals",)
        application.execute("update public.deals set amount = amount - 1")
    finally:
        application.execute(sql.SQL("drop owned by {}").format(role))
        application.execute(sql.SQL("drop role {}").format(role))


def test_another_refresh_makes_a_cursor_begin_anew(living: Settings, tmp_path: Path) -> None:
    cursor = watch.look(living).cursor
    refresh.run(living, as_of=datetime.fromisoformat(AS_OF))
    look = watch.look(living, cursor)
    assert not look.changed
    assert look.cursor != cursor


@pytest.mark.parametrize("cursor", ["nonsense", "{}", '{"file": "1", "snapshot": "1:x:"}', "[]"])
def test_a_cursor_that_is_none_is_refused(living: Settings, cursor: str) -> None:
    with pytest.raises(UsageError, match="it is none that a look gave"):
        watch.look(living, cursor)


def test_a_server_that_is_down_is_an_error_and_no_answer(living: Settings) -> None:
    assert living.postgres_url is not None
    gone = living.model_copy(update={"postgres_url": type(living.postgres_url)("postgresql://a@127.0.0.1:1/b")})
    with pytest.raises(ServerError, match="connecting to"):
        watch.look(gone)
