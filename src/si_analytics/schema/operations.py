"""The operational schema: what ``sql/schema`` and ``sql/views`` declare, and what a database holds of it.

Belongs here: building the schema, finding how a database differs from it, and naming its parts.

The SQL files are the declaration. To compare, we run them in a scratch schema within a savepoint that is rolled
back, and compare what the server's catalogs say of it and of ``SI_SOURCE_SCHEMA``. The boards are always in
``public`` and get a scratch schema of their own if ``SI_SOURCE_SCHEMA`` is another.
"""

from __future__ import annotations

import contextlib
import re
import textwrap
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from si_analytics import postgres
from si_analytics.definitions import Script, project
from si_analytics.errors import SchemaError
from si_analytics.postgres import locks, operational
from si_analytics.postgres.operational import SCHEMA
from si_analytics.schema import ddl, equivalents, introspection
from si_analytics.schema.introspection import VIEWS, Connection, Difference, Item, Picture
from si_analytics.settings import LOCK_TIMEOUT, Settings

SUMMARIES = "analytics"
PUBLICATION = "si_realtime"
_LOCK = 7_301_450_918  # any number, as long as every apply and diff uses the same
_OLDEST = 140_000
_SHOWN = 80
_APPLYING, _COMPARING = "applying the operational schema", "comparing the operational schema"
_NAMED = 5


@dataclass(frozen=True)
class Section:
    """One section of the schema: its name, its file and its tables, in order of creation."""

    name: str
    script: Script
    tables: tuple[str, ...]


@dataclass(frozen=True)
class ApplyReport:
    """What an apply created, by kind, and which views it replaced; empty if the database had everything."""

    created: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    replaced: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def counts(self) -> dict[str, int]:
        """Returns the number of objects created, by kind."""
        return {kind: len(names) for kind, names in self.created.items()}


def sections() -> tuple[Section, ...]:
    """Returns the sections of the schema that hold tables, in the order they are built.

    >>> [section.name for section in sections()][:2]
    ['users_and_authentication', 'gigs_and_deals']
    """
    found = (Section(re.sub(r"^\d+_", "", name), script, script.tables) for name, script in project().schema.items())
    return tuple(section for section in found if section.tables)


def tables() -> tuple[str, ...]:
    """Returns the names of the 42 operational tables, in the order they are created.

    >>> len(tables()), tables()[0]
    (42, 'users')
    """
    return tuple(table for section in sections() for table in section.tables)


def apply(settings: Settings, *, replace_views: bool = False) -> ApplyReport:
    """Creates what the database lacks of the schema, in one transaction; nothing if it lacks nothing.

    Never drops a table, a column, an index or a row. Raises SchemaError, having changed nothing, if an existing
    object is not as declared, or if most of the tables are in another schema and ``SI_SOURCE_SCHEMA`` was not given.
    Replaces a view with another definition only with `replace_views`.
    """
    with postgres.asking(_APPLYING), postgres.connect(settings, read_only=False) as connection:
        _refuse_twins(connection, settings)
        return apply_on(connection, replace_views=replace_views, patience=settings.lock_timeout)


def diff(settings: Settings) -> list[Difference]:
    """Returns how the database differs from the declared schema, object by object; changes nothing.

    Lists as ``extra`` what an application added, and as ``accepted`` what serves as well as the declared object: a
    partitioned table, another type that holds every value, a view for a table that is only read. Raises SchemaError
    if most of the tables are in another schema and ``SI_SOURCE_SCHEMA`` was not given.
    """
    with postgres.asking(_COMPARING), postgres.connect(settings, read_only=False) as connection:
        _refuse_twins(connection, settings)
        return diff_on(connection, patience=settings.lock_timeout)


def comparable(settings: Settings) -> bool:
    """Whether this role may build the declared schema out of sight, which `diff` needs to compare."""
    with postgres.asking(_COMPARING), postgres.connect(settings) as connection:
        row = connection.execute("select has_database_privilege(current_database(), 'create')").fetchone()
    return row == (True,)


def require(settings: Settings) -> None:
    """Raises SchemaError, which names them, if tables or views of the schema are missing."""
    with postgres.asking("using the operational tables"), postgres.connect(settings) as connection:
        require_on(connection)


def apply_on(connection: Connection, *, replace_views: bool = False, patience: int = LOCK_TIMEOUT) -> ApplyReport:
    """Runs `apply` over an open connection; waits at most `patience` seconds for other sessions."""
    begun = time.monotonic()
    with _speaking(_APPLYING, connection, patience), connection.transaction():
        _prepare(connection, patience)
        declared, before = _declared(connection), _found(connection)
        there = equivalents.look(connection)
        outdated = _outdated_views(declared, before, there)
        changed = introspection.compare(declared, before, there.accepts)
        _refuse_changed(changed, [item.name for item in outdated], replace_views)
        grants = [grant for item in outdated for grant in _drop_view(connection, item)]
        standing = _found(connection)
        missing = introspection.missing(declared, standing, there.accepts)
        if missing:
            ddl.create(connection, missing, declared, standing, there.adapted)
        for grant in grants:
            connection.execute(grant)
        created = introspection.added(declared, before, _verified(connection, declared) if missing else before)
    return ApplyReport(created, tuple(item.name for item in outdated), time.monotonic() - begun)


def diff_on(connection: Connection, *, patience: int = LOCK_TIMEOUT) -> list[Difference]:
    """Runs `diff` over an open connection; waits at most `patience` seconds for other sessions."""
    with _speaking(_COMPARING, connection, patience), connection.transaction():
        _prepare(connection, patience)
        declared, found = _declared(connection), _found(connection)
        return introspection.compare(declared, found, equivalents.look(connection).accepts)


def require_on(connection: Connection) -> None:
    """Runs `require` over an open connection."""
    schema, there = operational.of(connection), equivalents.look(connection)
    built = (each for each in ddl.statements() if each.kind in {"table"} | VIEWS)
    relations = [each for each in built if not there.keyless(each.name)]
    places = [_regclass(each, schema) for each in relations]
    try:
        absent = connection.execute(
            "select name from unnest(%s::text[], %s::text[]) with ordinality as wanted (name, place, position)"
            " where to_regclass(place) is null order by position",
            [[each.place(schema) for each in relations], places],
        ).fetchall()
    except psycopg.errors.InsufficientPrivilege as error:
        remedy = "Grant this user usage on that schema, or connect as the owner of the tables"
        raise SchemaError("using the operational tables", str(error.diag.message_primary), remedy) from error
    if absent:
        raise operational.absent([name for (name,) in absent], schema, elsewhere(connection))


def _regclass(statement: ddl.Built, schema: str) -> str:
    """Returns the name of what a statement creates, as Postgres reads it."""
    name = statement.name if "." in statement.name else f"{SCHEMA}.{statement.name}"
    return operational.named(name, SCHEMA if statement.board else schema)


def elsewhere(connection: Connection) -> str | None:
    """Returns the other schema that holds most of the tables; None if the schema asked for holds half of them."""
    asked = {"tables": list(tables()), "schema": operational.of(connection)}
    ((found,),) = connection.execute(
        "select count(*) from pg_class inner join pg_namespace on relnamespace = pg_namespace.oid"
        " where nspname = %(schema)s and relname = any(%(tables)s)",
        asked,
    ).fetchall()
    row = connection.execute(project().postgres.elsewhere.text, {**asked, "found": found}).fetchone()
    return str(row[0]) if row else None


def _refuse_twins(connection: Connection, settings: Settings) -> None:
    """Raises SchemaError if another schema holds the tables and nobody chose a schema: no empty copies beside them."""
    if "source_schema" in settings.model_fields_set:
        return
    with connection.transaction():
        there = elsewhere(connection)
    if there is not None:
        raise operational.absent(tables(), operational.of(connection), there)


def _prepare(connection: Connection, patience: int) -> None:
    """Waits a limited time for our turn, and checks the server's version and schemas."""
    locks.limit(connection, patience)
    connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    version = connection.info.server_version
    if version < _OLDEST:
        raise SchemaError("using this server", f"it is PostgreSQL {version // 10_000}", "Use PostgreSQL 14 or later")
    for name in dict.fromkeys((operational.of(connection), SCHEMA)):
        if connection.execute("select to_regnamespace(quote_ident(%s))", [name]).fetchone() == (None,):
            create = f"Create it: create schema {operational.quoted(name)}"
            raise SchemaError("using this database", f"it has no schema {name}", create)


def _declared(connection: Connection) -> Picture:
    """Returns the picture of the schema as the files declare it, built out of sight and rolled back."""
    picture: Picture = {}
    with connection.transaction() as scratch:
        name = f"si_declared_{uuid.uuid4().hex}"
        boards = name if operational.of(connection) == SCHEMA else f"{name}_boards"
        for each in dict.fromkeys((name, boards)):
            connection.execute(SQL("create schema {}").format(Identifier(each)))
        # Objects with fixed names are renamed to make room for the declared ones; nobody else sees them gone.
        if connection.execute("select to_regnamespace(%s)", [SUMMARIES]).fetchone() != (None,):
            aside = Identifier(f"{name}_aside")
            connection.execute(SQL("alter schema {} rename to {}").format(Identifier(SUMMARIES), aside))
        if connection.execute("select 1 from pg_publication where pubname = %s", [PUBLICATION]).fetchone():
            aside = Identifier(f"{name}_aside")
            connection.execute(SQL("alter publication {} rename to {}").format(Identifier(PUBLICATION), aside))
        ddl.run_all(connection, name, boards)
        picture = _read(connection, name, boards)
        raise psycopg.Rollback(scratch)
    return picture


def _found(connection: Connection) -> Picture:
    return _read(connection, operational.of(connection), SCHEMA)


def _read(connection: Connection, schema: str, boards: str) -> Picture:
    """Returns what one schema and ours hold, and the boards if they are in another schema."""
    found: dict[introspection.Key, Item] = {}
    if boards != schema:
        introspection.look_in(connection, boards)
        names = {each.place(schema) for each in ddl.statements() if each.board and each.kind in VIEWS}
        beside = introspection.read(connection, boards, ddl.BOARDS)
        found = {key: item for key, item in beside.items() if item.relation in names}
    introspection.look_in(connection, schema)
    return {
        **found,
        **introspection.read(connection, schema),
        **introspection.read(connection, SUMMARIES, f"{SUMMARIES}."),
    }


def _outdated_views(declared: Picture, found: Picture, there: equivalents.Standing) -> list[Item]:
    """Returns the existing views and materialized views whose definition is not the declared one."""
    standing = {key: found[key] for key, item in declared.items() if item.kind in VIEWS and key in found}
    return [
        item
        for key, item in standing.items()
        if item.kind in VIEWS and not introspection.same(declared[key], item) and not there.accepts(declared[key], item)
    ]


def _refuse_changed(differences: list[Difference], outdated: list[str], replace_views: bool) -> None:
    asked = _APPLYING
    changed = [each for each in differences if each.status == "changed" and each.name not in outdated]
    if changed:
        raise SchemaError(
            asked, _stated(changed), "Nothing was changed; alter it by hand, or see everything with si schema diff"
        )
    if outdated and not replace_views:
        found = f"another definition than the declared one stands under {_enumerated(outdated)}"
        raise SchemaError(asked, found, "Nothing was changed; to replace it: si schema apply --replace-views")


def _stated(differences: list[Difference]) -> str:
    """Returns the first difference in full, and the number of the others."""
    first = differences[0]
    others = f" ({len(differences) - 1} more differ)" if len(differences) > 1 else ""
    return f"the {first.kind} {first.name} is {_short(first.found)} where {_short(first.declared)} is expected{others}"


def _short(definition: str | None) -> str:
    return textwrap.shorten(definition or "missing", _SHOWN, placeholder=" ...")


def _enumerated(names: list[str]) -> str:
    others = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + others


def _drop_view(connection: Connection, item: Item) -> list[Composed]:
    dependents = ddl.dependents(connection, item.name)
    if dependents:
        raise SchemaError(
            f"replacing the {item.kind} {item.name}",
            f"{_enumerated(dependents)} would fall with it",
            "Nothing was changed; drop what depends on it, apply, and create that again",
        )
    return ddl.drop_view(connection, item)


def _verified(connection: Connection, declared: Picture) -> Picture:
    """Returns what exists after the changes; raises if a difference is left, so that it is not committed."""
    after = _found(connection)
    accepts = equivalents.look(connection).accepts
    left = [each for each in introspection.compare(declared, after, accepts) if each.status in {"missing", "changed"}]
    if left:
        raise SchemaError(_APPLYING, _stated(left), "Nothing was changed; see si schema diff")
    return after


@contextlib.contextmanager
def _speaking(asked: str, connection: Connection, patience: int) -> Iterator[None]:
    """Turns Postgres's errors into one sentence; the first line of an error names objects, never rows."""
    try:
        yield
    except psycopg.errors.LockNotAvailable as error:
        found = locks.kept_waiting(connection, patience, _LOCK)
        raise SchemaError(asked, found, f"Nothing was changed; {locks.WAIT_LONGER}") from error
    except psycopg.errors.InsufficientPrivilege as error:
        found = str(error.diag.message_primary)
        remedy = "Nothing was changed; connect as the owner of the database and of the tables that stand"
        raise SchemaError(asked, found, remedy) from error
    except psycopg.Error as error:
        # Without a message of the server the connection broke, and nobody knows how far it got.
        said, limit = error.diag.message_primary, postgres.time_limit(error)
        remedy = f"Nothing was changed. {limit}" if limit else "Nothing was changed; see si schema diff"
        remedy = remedy if said else "See what stands with si schema diff"
        raise SchemaError(asked, said or " ".join(str(error).split()), remedy) from error
