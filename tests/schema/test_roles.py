"""The roles si_reader and si_publisher: a whole refresh runs under them, and all else is closed to them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import psycopg
import pytest
from psycopg import sql as pg_sql
from pydantic import SecretStr

from si_analytics import extract, refresh, sample, schema
from si_analytics.compute import metrics
from si_analytics.definitions import contract, project
from si_analytics.errors import PublishError, SchemaError
from si_analytics.health import doctor
from si_analytics.health.findings import Verdict
from si_analytics.postgres import relations
from si_analytics.refresh import Refresh
from si_analytics.schema import roles
from si_analytics.settings import Settings
from tests.support import worlds
from tests.support.commands import Si
from tests.support.logins import address, as_user, login
from tests.support.published_tables import assert_published, connection_to

pytest_plugins = ("tests.support.commands",)

MARK = "planted"
SECRETS = {
    "users.email",
    "users.password_hash",
    "users.stripe_connected_account_id",
    "contacts.email",
    "contacts.phone",
    "contacts.name",
    "messages.content",
    "invites.message",
    "escrow_jobs.stripe_payment_intent_id",
    "connected_wallets.address",
    "notifications.message",
    "social_accounts.username",
    "token_withdrawal_requests.wallet_address",
    "user_rewards.metadata",
    "withdrawals.destination",
    "invite_templates.message",
}
"""Some of what is planted, so that the list made from the catalog cannot be empty."""
_WORDS = {
    "text": "{} || ctid::text",
    "character varying": "{} || ctid::text",
    "text[]": "array[{}]",
    "jsonb": "jsonb_build_object({}::text, true)",
}
"""How the mark is written into columns of these types; most texts are unique, a row's place makes them so."""
SYSTEM = ("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid")
"""The columns that Postgres gives every table."""


@dataclass(frozen=True)
class Place:
    """A filled database: the settings of its owner, of a login that is a member of si_reader and nothing else, of one
    that is a member of si_publisher and nothing else, and of one that is both.
    """

    owner: Settings
    reader: Settings
    publisher: Settings
    both: Settings
    planted: frozenset[str]


def columns(connection: psycopg.Connection[Any]) -> list[tuple[str, str, str]]:
    """Every column of every operational table, with its type."""
    return connection.execute(
        "select relation.relname, attribute.attname, format_type(attribute.atttypid, null)"
        " from pg_class as relation inner join pg_attribute as attribute on attribute.attrelid = relation.oid"
        " where relation.relnamespace = 'public'::regnamespace and relation.relname = any(%s)"
        " and attribute.attnum > 0 and not attribute.attisdropped order by 1, 2",
        [list(schema.tables())],
    ).fetchall()


def extracted(table: str) -> set[str]:
    """The columns that are read as they are; of others a digest is read at most."""
    if table not in extract.tables():
        return set()
    return {column.name for column in contract.columns(table)} - set(project().sources[table].digests)


def plant(connection: psycopg.Connection[Any]) -> frozenset[str]:
    """Write the mark into every column of words that is not to be read; those that hold no such word stay."""
    done = set()
    for table, column, kind in columns(connection):
        if column in extracted(table) or kind not in _WORDS:
            continue
        statement = pg_sql.SQL("update public.{} set {} = {}").format(
            pg_sql.Identifier(table), pg_sql.Identifier(column), pg_sql.SQL(_WORDS[kind]).format(pg_sql.Literal(MARK))
        )
        try:
            with connection.transaction():
                connection.execute(statement)
        except (psycopg.errors.IntegrityError, psycopg.errors.StringDataRightTruncation):
            continue
        done.add(f"{table}.{column}")
    return frozenset(done)


@pytest.fixture(scope="module", params=["embedded", "outside"])
def place(
    request: pytest.FixtureRequest,
    create_database: Callable[..., str],
    schema_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Place:
    """A sampled marketplace on the embedded server, and on one of the machine's own that belongs to a plain role."""
    if request.param == "embedded":
        above = url = create_database(schema_template)
    else:
        server = request.getfixturevalue("outside_server")
        role, password = server.create_role()
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(pg_sql.SQL("alter role {} createrole").format(pg_sql.Identifier(role)))
        database = server.create_database(role)
        above, url = server.url_of(database), server.url_of(database, role, password)
    home = tmp_path_factory.mktemp(request.param)
    given = {"_env_file": None, "home": home, "warehouse": home / "w.duckdb"}
    owner = Settings(**given, postgres_url=url)  # type: ignore[arg-type]
    if request.param == "outside":
        schema.apply(owner)
    sample.generate(owner, scale=0.02, seed=5)
    assert [report.others for report in roles.apply(owner)] == [(), ()]
    with psycopg.connect(above, autocommit=True) as connection:
        planted = plant(connection)
        if connection.info.server_version < 150_000:
            connection.execute("revoke create on schema public from public")  # as docs/least-privilege.md says
        logins = [
            Settings(**given, postgres_url=as_user(url, *login(connection, *memberships)))  # type: ignore[arg-type]
            for memberships in ((roles.READER,), (roles.PUBLISHER,), (roles.READER, roles.PUBLISHER))
        ]
    return Place(owner, *logins, planted)


@pytest.fixture
def reading(place: Place) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(address(place.reader), autocommit=True) as connection:
        yield connection


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every raw table and metric of a warehouse."""
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        names = connection.sql(
            "select schema_name || '.' || table_name from duckdb_tables() where schema_name in ('raw', 'metrics')"
        ).fetchall()
        return {name: connection.sql(f"select * from {name} order by all").fetchall() for (name,) in names}


def extract_and_compute(settings: Settings) -> dict[str, extract.TableExtract]:
    """What a login without the right to publish can do; leaves the warehouse in place, and no secret anywhere."""
    with Refresh(settings, as_of=sample.END) as running:
        found = {one.table: one for one in running.extract()}
        for name in metrics.names():
            running.compute(name)
        running.connection.execute("force checkpoint")
        assert_clean(settings.home, ".working")
        running.finish()
    return found


def assert_clean(folder: Path, ending: str) -> None:
    """No file beside the warehouse holds the mark; the one of this ending is there and does hold what is read."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name.endswith(ending) for path in files)
    for path in files:
        held = path.read_bytes()
        assert MARK.encode() not in held, path.name
        if path.name.endswith(ending):
            assert b"agent_commission" in held


def expected(place: Place, tmp_path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the owner reads and computes, everything anew, in a warehouse of its own."""
    own = place.owner.model_copy(update={"home": tmp_path, "warehouse": tmp_path / "own.duckdb"})
    extract_and_compute(own)
    return contents(own.warehouse)


def test_a_member_of_si_reader_reads_everything_then_what_changed_and_gets_the_owner_s_numbers(
    place: Place, tmp_path: Path
) -> None:
    first = extract_and_compute(place.reader)
    assert {one.mode for one in first.values()} == {extract.FULL}
    assert contents(place.reader.warehouse) == expected(place, tmp_path / "first")
    with Refresh.resume(place.owner) as publishing:
        publishing.publish()
        publishing.finish()
    with psycopg.connect(address(place.owner), autocommit=True) as connection:
        some = "(select id from {0} order by id limit {1})"
        connection.execute(f"update transactions set status = 'failed' where id in {some.format('transactions', 3)}")
        connection.execute(f"delete from user_reviews where id in {some.format('user_reviews', 2)}")
        connection.execute(
            "insert into contacts (agent_id, name, source) select agent_id, 'planted', source from contacts limit 1"
        )
    second = extract_and_compute(place.reader)

    def told(table: str) -> tuple[str, int, int, int]:
        one = second[table]
        return one.mode, one.inserted, one.updated, one.deleted

    assert told("transactions") == (extract.INCREMENTAL, 0, 3, 0)
    assert told("user_reviews") == (extract.INCREMENTAL, 0, 0, 2)
    assert told("contacts") == (extract.INCREMENTAL, 1, 0, 0)
    assert contents(place.reader.warehouse) == expected(place, tmp_path / "second")
    assert_clean(place.reader.home, ".duckdb")


def test_what_was_planted_is_in_the_columns_that_are_secret(place: Place) -> None:
    assert place.planted >= SECRETS


def test_of_the_operational_tables_the_extracted_columns_and_a_row_s_marks_can_be_read_and_no_other(
    place: Place, reading: psycopg.Connection[Any]
) -> None:
    found = columns(reading)
    assert len(found) > 400
    for table, column, _ in [*found, *((table, name, "") for table in schema.tables() for name in SYSTEM)]:
        statement = pg_sql.SQL("select {} from public.{} limit 1").format(
            pg_sql.Identifier(column), pg_sql.Identifier(table)
        )
        if column in extracted(table) or (column in relations.MARKS | {relations.PART} and table in extract.tables()):
            reading.execute(statement)
            continue
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reading.execute(statement)


def test_a_row_of_an_operational_table_cannot_be_read_whole(place: Place, reading: psycopg.Connection[Any]) -> None:
    for table in schema.tables():
        for asked in ("select * from public.{0}", "select whole from public.{0} as whole", "table public.{0}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reading.execute(pg_sql.SQL(asked).format(pg_sql.Identifier(table)))


def test_the_views_show_the_extracted_columns_and_no_other(place: Place, reading: psycopg.Connection[Any]) -> None:
    """In their order, then the marks of the row; what came later stands at the end."""
    for table in extract.tables():
        source = project().sources[table]
        first = [name for name in source.columns if name not in source.later]
        view = pg_sql.SQL("select * from analytics.{} limit 1").format(pg_sql.Identifier(f"source_{table}"))
        shown = [column.name for column in reading.execute(view).description or ()]
        assert shown == [*first, "row_version", "row_place", *source.later]
    for relation in ("user_statistics", "active_gigs", "agent_leaderboard", "brand_leaderboard", "conversion_funnels"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reading.execute(pg_sql.SQL("select * from public.{}").format(pg_sql.Identifier(relation)))


def test_nothing_can_be_written(place: Place, reading: psycopg.Connection[Any]) -> None:
    tables = {("public", table) for table in schema.tables()}
    views = {tuple(name.split(".")) for name in roles.readable()}
    statements = ["insert into {} default values", "delete from {}", "select 1 from {} for update"]
    for relation, statement in itertools.product(sorted(tables | views), statements):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reading.execute(pg_sql.SQL(statement).format(pg_sql.Identifier(*relation)))
    for table, column, _ in columns(reading):
        update = pg_sql.SQL("update public.{0} set {1} = null").format(*map(pg_sql.Identifier, (table, column)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reading.execute(update)
    for statement in ("create table public.mine (id int)", "create table analytics.mine (id int)"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reading.execute(statement)


def test_a_refresh_that_may_not_publish_says_so_and_leaves_the_warehouse_as_it_was(place: Place) -> None:
    before = place.reader.warehouse.read_bytes() if place.reader.warehouse.exists() else None
    with pytest.raises(PublishError, match="permission denied"):
        refresh.run(place.reader, as_of=sample.END)
    assert (place.reader.warehouse.read_bytes() if place.reader.warehouse.exists() else None) == before


def test_a_whole_refresh_runs_under_both_roles_again_and_again(place: Place, tmp_path: Path) -> None:
    """Read by one right and published by the other; the numbers are the model's, and only what changed is written."""
    using = place.both.model_copy(update={"home": tmp_path, "warehouse": tmp_path / "both.duckdb"})
    refresh.run(using, as_of=sample.END)
    with connection_to(place.owner) as connection:
        assert_published(connection, worlds.read(connection), sample.END)
        assert refresh.run(using, as_of=sample.END).rows_written == 0
        connection.execute("update deals set status = 'completed', completed_at = '2026-05-20' where status = 'active'")
        connection.execute("delete from contacts where id in (select contact_id from contact_engagement limit 2)")
        connection.execute("update transactions set amount = amount + 1 where type = 'agent_commission'")
        assert refresh.run(using, as_of=sample.END).changed["agent_leaderboard"] > 0
        assert_published(connection, worlds.read(connection), sample.END)
        who = connection.execute(
            "select published_by, who from analytics.refreshes order by finished_at desc"
        ).fetchone()
    found = {one.what: one.verdict for one in doctor.findings(using, datetime.now(UTC))}
    assert (found["rights"], found["schema"]) == (Verdict.well, Verdict.notable)
    assert Verdict.wrong not in found.values()
    name = urlsplit(address(place.both)).username
    assert who is not None
    assert who[0] == name
    assert who[1].startswith(f"{name}@")
    assert who[1].endswith(" (si_analytics)")
    assert "a-word" not in who[1]


ROWS = {"agent_performance_metrics", "brand_reputations", "contact_engagement"}
"""The operational tables whose rows come and go with a publication."""


def allowed() -> dict[str, tuple[set[str], set[str]]]:
    """Of each operational table, what si_publisher may read and what it may update."""
    found: dict[str, tuple[set[str], set[str]]] = {"contacts": ({"id"}, set())}
    for target in project().targets.values():
        if target.schema == "public":
            found[target.table.split(".")[1]] = (set(target.names), set(target.columns))
    found["users"][0].add("role")
    return found


def test_si_publisher_may_read_and_write_the_published_columns_and_nothing_else(place: Place) -> None:
    """Every column of every operational table and every table: refused unless it is listed."""
    may = allowed()
    with psycopg.connect(address(place.publisher), autocommit=True) as publishing:

        def is_closed(statement: str, *names: str) -> bool:
            """Whether it is refused; what is not is explained, not done."""
            try:
                publishing.execute(pg_sql.SQL("explain " + statement).format(*map(pg_sql.Identifier, names)))
            except psycopg.errors.InsufficientPrivilege:
                return True
            return False

        found = columns(publishing)
        assert len(found) > 400
        for table, column, _ in found:
            reads, updates = may.get(table, (set(), set()))
            inserts = reads if table in ROWS else set()
            assert is_closed("select {1} from public.{0}", table, column) == (column not in reads), (table, column)
            assert is_closed("update public.{0} set {1} = null", table, column) == (column not in updates), column
            assert is_closed("insert into public.{0} ({1}) values (null)", table, column) == (column not in inserts)
        for table in schema.tables():
            assert is_closed("delete from public.{0}", table) == (table not in ROWS)
        for view in (name for name in roles.readable() if name.startswith("analytics.source_")):
            assert is_closed("select * from {0}.{1}", *view.split("."))


@pytest.mark.parametrize(
    "statement",
    [
        *("create table public.mine (id int)", "create table analytics.mine (id int)", "truncate analytics.refreshes"),
        *("delete from analytics.refreshes", "truncate public.contact_engagement", "drop table public.users"),
        *("alter table public.users disable trigger all", "create function public.count(uuid) returns int return 1"),
        *("refresh materialized view public.agent_leaderboard", "select analytics.refresh_view('user_statistics')"),
        *("select * from analytics.samples", "insert into analytics.samples default values", "create schema mine"),
        *("select analytics.refresh_view(null)", "select analytics.refresh_view('agent_leaderboard; select 1')"),
        *(
            "begin; lock table public.users in exclusive mode",
            "listen x; set role postgres",
            "copy public.users (id) to program 'id'",
        ),
        *("create rule r as on insert to analytics.agent_leaderboard do also nothing", "create view mine as select 1"),
        *(
            "create trigger t before insert on public.contact_engagement for each row execute function"
            " public.update_updated_at_column()",
            "alter publication si_realtime drop table public.deals",
        ),
        *("alter role si_publisher superuser", "comment on table public.users is 'mine'"),
    ],
)
def test_si_publisher_is_refused(place: Place, statement: str) -> None:
    with (
        psycopg.connect(address(place.publisher), autocommit=True) as publishing,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        publishing.execute(statement)


def test_si_reader_may_not_have_a_view_refreshed(place: Place, reading: psycopg.Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reading.execute("select analytics.refresh_view('agent_leaderboard')")


TRAPS = """
create function public.trap() returns bigint language plpgsql as $$ begin raise exception 'trapped'; end $$;
create function public.lower(varchar) returns text language sql as 'select public.trap()::text';
create function public.count(uuid) returns bigint language sql as 'select public.trap()';
create function public.max(bigint) returns bigint language sql as 'select public.trap()';
create function public.concat(name, text, text, text, text, text) returns text
    language sql as 'select public.trap()::text';
create function public.pg_notify(text, text) returns void language sql as 'select public.trap()';
create function public.pg_try_advisory_xact_lock(bigint) returns boolean language sql as 'select public.trap() = 1';
create function public.same(varchar, text) returns boolean language sql as 'select public.trap() = 1';
create function public.same(uuid, uuid) returns boolean language sql as 'select public.trap() = 1';
create operator public.= (leftarg = varchar, rightarg = text, procedure = public.same);
create operator public.= (leftarg = uuid, rightarg = uuid, procedure = public.same);
create table public.staging_users (id uuid, rating numeric, review_count bigint, is_gone boolean);
create table public.changes_users (id uuid, rating numeric, review_count bigint, action text, part bigint);
create table public.pg_class (oid oid, relispopulated boolean);
create table public.refreshes (refresh_id uuid);
"""


def test_what_somebody_puts_on_the_search_path_has_no_effect(
    settings: Settings, postgres: psycopg.Connection[Any]
) -> None:
    """Functions, operators and tables that fit better than Postgres's own, for a login that looks in public first."""
    sample.generate(settings, scale=0.02, seed=5)
    world = worlds.read(postgres)
    roles.apply(settings)
    name, password = login(postgres, roles.READER, roles.PUBLISHER)
    postgres.execute(TRAPS)
    postgres.execute(pg_sql.SQL("alter role {} set search_path = public, pg_catalog").format(pg_sql.Identifier(name)))
    url = SecretStr(as_user(address(settings), name, password))
    with psycopg.connect(url.get_secret_value()) as looking, pytest.raises(psycopg.Error, match="trapped"):
        looking.execute("select 1 where 'a'::varchar = 'a'::text")
    refresh.run(settings.model_copy(update={"postgres_url": url}), as_of=sample.END)
    postgres.execute("set search_path = pg_catalog, public")
    postgres.execute("drop operator public.= (uuid, uuid)")
    assert_published(postgres, world, sample.END)


def test_setting_the_role_up_again_changes_nothing(settings: Settings, postgres: psycopg.Connection[Any]) -> None:
    def rights() -> list[Any]:
        return postgres.execute(
            "select oid, 0, relacl from pg_class where relacl is not null union all"
            " select attrelid, attnum, attacl from pg_attribute where attacl is not null order by 1, 2"
        ).fetchall()

    roles.apply(settings)
    held = rights()
    for report in roles.apply(settings):
        assert (report.created, report.others) == (False, ())
    assert rights() == held


def test_a_right_of_everybody_s_is_named(si: Si, settings: Settings, postgres: psycopg.Connection[Any]) -> None:
    postgres.execute("grant select (email) on users to public")
    done = si(settings)("schema", "roles")
    assert done.code == 0
    assert "grant si_reader, si_publisher to my_login" in done.out
    assert done.err.endswith("on public.users\n")


def test_without_the_views_the_role_is_not_set_up(si: Si, empty_settings: Settings) -> None:
    done = si(empty_settings)("schema", "roles")
    assert (done.code, done.out) == (1, "")
    assert "si schema apply" in done.err


def test_where_a_column_has_another_name_the_roles_are_not_set_up_and_it_is_named(
    settings: Settings, postgres: psycopg.Connection[Any]
) -> None:
    postgres.execute("alter table gigs rename column status to state")
    with pytest.raises(SchemaError, match=r'column "status" of relation "gigs" does not exist.*si schema diff'):
        roles.apply(settings)


def someone_else(settings: Settings, connection: psycopg.Connection[Any]) -> tuple[str, Settings]:
    """A login without any right of its own."""
    name, password = login(connection)
    url = SecretStr(as_user(address(settings), name, password))
    return name, settings.model_copy(update={"postgres_url": url})


def test_who_may_not_create_roles_is_told_what_to_do(settings: Settings, postgres: psycopg.Connection[Any]) -> None:
    roles.apply(settings)
    _, someone = someone_else(settings, postgres)
    postgres.execute("alter role si_reader rename to si_reader_aside")
    try:
        with pytest.raises(SchemaError, match=r"permission denied to create role.*Nothing was changed; connect as"):
            roles.apply(someone)
    finally:
        postgres.execute("alter role si_reader_aside rename to si_reader")


def test_who_may_use_the_views_but_not_grant_rights_on_them_is_told_what_to_do(
    settings: Settings, postgres: psycopg.Connection[Any]
) -> None:
    """Postgres itself merely warns of it."""
    roles.apply(settings)
    name, someone = someone_else(settings, postgres)
    role = pg_sql.Identifier(name)
    for statement in (
        "drop function analytics.refresh_view(text)",
        "grant usage, create on schema analytics to {}",
        "grant all on all tables in schema analytics to {}",
        "grant all on all tables in schema public to {}",
        "grant create on schema public to {}",
        "alter materialized view public.agent_leaderboard owner to {}",
        "revoke all on all tables in schema analytics from si_publisher",
    ):
        postgres.execute(pg_sql.SQL(statement).format(role))
    with pytest.raises(SchemaError, match=r"rights on analytics\.\w+ are not yours to grant"):
        roles.apply(someone)
