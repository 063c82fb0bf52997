"""Through a pooler: every command works or says in one sentence why not, and leaves nothing behind in its sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import psycopg
import pytest
import sqlalchemy

from si_analytics import load, postgres, publish, refresh, sample, schema
from si_analytics.errors import AnalyticsError, ServerError
from si_analytics.health import doctor
from si_analytics.publish.notifications import Listener
from si_analytics.query import warehouse
from si_analytics.refresh import watch
from si_analytics.refresh.run_log import RefreshReport
from si_analytics.schema import roles
from si_analytics.settings import Settings
from tests.support import poolers
from tests.support.commands import AS_OF, Si
from tests.support.outside import OutsideServer
from tests.support.poolers import Pooler, left_behind

Make = Callable[..., Settings]
MOMENT = datetime.fromisoformat(AS_OF)


@pytest.fixture(scope="module")
def start(outside_server: OutsideServer) -> Iterator[Callable[..., Pooler]]:
    """A function that gives a pooler of that mode and size, one for all the tests of this file."""
    held: dict[tuple[str, int, str], Pooler] = {}
    with ExitStack() as stack:

        def get(mode: str, size: int, more: str = "") -> Pooler:
            key = (mode, size, more)
            if key not in held:
                held[key] = stack.enter_context(poolers.running(outside_server, *key))
            return held[key]

        yield get


@pytest.fixture(scope="module")
def shop_at(start: Callable[..., Pooler], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A small marketplace of the outside server, built, filled and refreshed through one session of a pooler."""
    pooler = start("transaction", 1)
    url = pooler.url_of(pooler.server.create_database())
    home = tmp_path_factory.mktemp("pooled")
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[call-arg, arg-type]
    schema.apply(made)
    assert left_behind(url) == []
    sample.generate(made, scale=0.02)
    assert left_behind(url) == []
    return made


def address(settings: Settings) -> str:
    assert settings.postgres_url is not None
    return settings.postgres_url.get_secret_value()


def board(settings: Settings) -> list[tuple[object, ...]]:
    with warehouse.connect(settings) as opened:
        return [*opened.agent_leaderboard().rows(), *opened.metric("marketplace_monthly").rows()]


def test_every_command_through_one_session_leaves_it_as_it_was(
    shop_at: Settings, start: Callable[..., Pooler], make_settings: Make
) -> None:
    """After each an application through the same pool finds the server's own settings, and may write."""
    url = address(shop_at)
    first = refresh.run(shop_at, as_of=MOMENT)
    assert {one.mode for one in first.extracts} == {"full"}
    assert left_behind(url) == []
    again = refresh.run(shop_at, as_of=MOMENT)
    assert {one.reason for one in again.extracts} <= {"", "most of its rows changed"}, "what was published counts"
    assert "incremental" in {one.mode for one in again.extracts}
    assert left_behind(url) == []
    refresh.preview(shop_at, as_of=MOMENT)
    assert left_behind(url) == []
    assert [one for one in schema.diff(shop_at) if not one.extra] == []
    assert left_behind(url) == []
    roles.apply(shop_at)
    assert left_behind(url) == []
    assert not watch.look(shop_at).changed
    assert left_behind(url) == []
    found = {one.what: one for one in doctor.findings(shop_at, datetime.now(UTC))}
    assert {one.what for one in found.values() if one.verdict == "WRONG"} == set()
    assert found["pooler"].found.startswith("stands between")
    assert left_behind(url) == []
    with psycopg.connect(url) as application:  # unqualified, and writing, as applications do
        application.execute("update users set name = name")
        assert application.execute("show row_security").fetchone() == ("on",)
    direct = make_settings(start("transaction", 1).server.url_of(psycopg.conninfo.conninfo_to_dict(url)["dbname"]))
    refresh.run(direct, as_of=MOMENT)
    assert board(direct) == board(shop_at), "the numbers are those of a direct connection"


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_files_are_loaded_and_engines_read_and_write_through_a_pooler(
    start: Callable[..., Pooler], make_settings: Make, tmp_path: Path, mode: str
) -> None:
    pooler = start(mode, 1 if mode == "transaction" else 3)
    url = pooler.url_of(pooler.server.create_database())
    current = make_settings(url)
    schema.apply(current)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "users.csv").write_text("name,role,email,password_hash\nAna,agent,a@example.com,x\n")
    assert load.load(current, tmp_path / "files").rows == {"users": 1}
    assert left_behind(url) == []
    reading, writing = postgres.engine(current), postgres.engine(current, read_only=False)
    counted = sqlalchemy.text("select count(*) from users")
    for _ in range(7):  # more often than a driver waits before it prepares a statement
        with reading.connect() as connection:
            assert connection.scalar(counted) == 1
    with reading.connect() as connection, pytest.raises(sqlalchemy.exc.InternalError, match="read-only"):
        connection.execute(sqlalchemy.text("delete from users"))
    with writing.begin() as connection:
        connection.execute(
            sqlalchemy.text("insert into users (name, role, email, password_hash) values ('B', 'agent', 'b', 'x')")
        )
    with reading.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        assert connection.scalar(counted) == 2
        assert connection.scalar(sqlalchemy.text("show search_path")) == "public"
        with pytest.raises(sqlalchemy.exc.InternalError, match="read-only"):
            connection.execute(sqlalchemy.text("delete from users"))
    assert pl.read_database("select name from users order by name", reading)["name"].to_list() == ["Ana", "B"]
    reading.dispose()
    writing.dispose()
    assert left_behind(url) == []


@pytest.mark.parametrize("autocommit", [False, True])
def test_a_connection_of_ours_is_set_within_transactions_alone(
    start: Callable[..., Pooler], make_settings: Make, autocommit: bool
) -> None:
    pooler = start("transaction", 1)
    url = pooler.url_of(pooler.server.create_database())
    with postgres.connect(make_settings(url), autocommit=autocommit) as connection:
        assert postgres.is_pooled(connection)
        for _ in range(2):
            shown = [
                connection.execute(f"show {name}").fetchone()[0]  # type: ignore[index, call-overload]
                for name in ("search_path", "row_security", "transaction_read_only", "timezone")
            ]
            assert shown == ["pg_catalog, pg_temp", "off", "on", "UTC"]
            connection.rollback()
            assert left_behind(url) == []
        with (
            connection.cursor() as cursor,
            cursor.copy("copy (select current_setting('row_security')) to stdout") as out,
        ):
            assert b"".join(out) == b"off\n"
        connection.rollback()
        with connection.cursor() as cursor:
            assert list(cursor.stream("select current_setting('row_security')")) == [("off",)]
        connection.rollback()
        with connection.transaction(), connection.cursor("kept") as kept:
            kept.execute("select current_setting('row_security')")
            assert kept.fetchall() == [("off",)]
    assert left_behind(url) == []


def test_a_policy_that_hides_rows_is_refused_through_a_pooler_too(
    start: Callable[..., Pooler], shop_at: Settings, tmp_path: Path
) -> None:
    """Rows that this role does not see would be taken to be gone: reading on a pooled session refuses as well."""
    pooler, database = start("transaction", 1), str(psycopg.conninfo.conninfo_to_dict(address(shop_at))["dbname"])
    url = pooler.url_of(database, poolers.READER)
    update = {"postgres_url": type(shop_at.postgres_url)(url), "warehouse": tmp_path / "warehouse.duckdb"}
    with psycopg.connect(pooler.server.url_of(database), autocommit=True) as owner:
        owner.execute(
            f"create role {poolers.READER} login password '{pooler.server.password}';"
            f" grant select on all tables in schema public to {poolers.READER};"
            " alter table public.deals enable row level security"
        )
        try:
            with pytest.raises(AnalyticsError, match=r"row-level security policy for table .*deals"):
                refresh.run(shop_at.model_copy(update=update), as_of=MOMENT)
            assert left_behind(url) == []
        finally:
            owner.execute(
                f"alter table public.deals disable row level security; drop owned by {poolers.READER};"
                f" drop role {poolers.READER}"
            )


def test_watch_through_transaction_mode_says_that_it_hears_nothing(si: Si, shop_at: Settings) -> None:
    done = si(shop_at)("watch")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "error: listening to Postgres: what is sent does not arrive, as behind a pooler in transaction mode, which"
        " hands sessions on. For `si watch` set SI_POSTGRES_URL to the server itself, or to a pool in session mode\n"
    )
    assert left_behind(address(shop_at)) == []
    with pytest.raises(ServerError, match="what is sent does not arrive"):
        watch.follow(shop_at)


def test_watch_through_session_mode_hears_and_refreshes(
    start: Callable[..., Pooler], shop_at: Settings, tmp_path: Path
) -> None:
    database = psycopg.conninfo.conninfo_to_dict(address(shop_at))["dbname"]
    url = start("session", 4).url_of(str(database))
    current = shop_at.model_copy(update={"postgres_url": type(shop_at.postgres_url)(url), "home": tmp_path})
    current = current.model_copy(update={"warehouse": tmp_path / "warehouse.duckdb"})
    with Listener(current) as listener, psycopg.connect(url, autocommit=True) as application:
        application.execute("select pg_notify(%s, %s)", [publish.CHANNEL, "heard"])
        assert [vars(one) for one in listener.wait(5)] == [{"payload": "heard"}]
    events = watch.follow(current, debounce=0.1)
    assert isinstance(next(events), watch.Look)
    assert isinstance(next(events), RefreshReport)
    events.close()
    assert left_behind(url) == []


def test_a_pool_that_has_no_session_to_give_is_one_sentence(start: Callable[..., Pooler], make_settings: Make) -> None:
    pooler = start("session", 1, "query_wait_timeout = 1")
    url = pooler.url_of(pooler.server.create_database())
    with psycopg.connect(url, autocommit=True) as holder:
        holder.execute("select 1")
        with pytest.raises(ServerError, match=r"query_wait_timeout.* Give the pool more connections"):
            postgres.connect(make_settings(url))


def test_a_pool_of_single_statements_is_refused_with_what_helps(
    start: Callable[..., Pooler], make_settings: Make
) -> None:
    pooler = start("statement", 1)
    url = pooler.url_of(pooler.server.create_database())
    with pytest.raises(ServerError, match="Use a pool in transaction or session mode"):
        postgres.connect(make_settings(url))
    assert left_behind(url) == []


@pytest.mark.parametrize("way", ["address", "environment"])
def test_options_that_a_pooler_refuses_are_answered_with_what_helps(
    si: Si, start: Callable[..., Pooler], shop_at: Settings, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    url = address(shop_at)
    if way == "environment":
        monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=5min")
    else:
        url += "?options=-c%20statement_timeout%3D5min"
    current = shop_at.model_copy(update={"postgres_url": type(shop_at.postgres_url)(url)})
    for words in (["doctor"], ["refresh"]):
        done = si(current)(*words)
        assert done.code == 1
        told = " ".join((done.out + done.err).split())
        assert "unsupported startup parameter: options" in told
        assert "ignore_startup_parameters = options" in told


def test_a_pooler_that_passes_over_options_reads_as_carefully(
    start: Callable[..., Pooler], shop_at: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is ignored at the start is set in the transaction: the numbers are the same, and nothing is left."""
    monkeypatch.setenv("PGOPTIONS", "-c search_path=nowhere")
    database = psycopg.conninfo.conninfo_to_dict(address(shop_at))["dbname"]
    url = start("transaction", 2, "ignore_startup_parameters = options").url_of(str(database))
    update = {"postgres_url": type(shop_at.postgres_url)(url), "warehouse": tmp_path / "warehouse.duckdb"}
    current = shop_at.model_copy(update=update)
    refresh.run(current, as_of=MOMENT)
    assert board(current) == board(shop_at)
    monkeypatch.delenv("PGOPTIONS")
    assert left_behind(url) == []
