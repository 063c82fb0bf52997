"""The operational schema: what is declared in ``sql/schema`` and ``sql/views``, and what a database holds of it.

Belongs here: building the schema, telling how a database differs from it, and naming its parts.
May import: `errors`, `settings`, `sql`, `postgres`, `catalog`, `ddl`, `equivalents`.

The declaration is the SQL files. To compare, they are run in a scratch schema within a savepoint that is
rolled back, and what the server's catalogs say of it is held against what they say of ``public``.
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

from si_analytics import catalog, ddl, equivalents, postgres, sql
from si_analytics.catalog import VIEWS, Connection, Difference, Item, Picture
from si_analytics.ddl import SCHEMA
from si_analytics.errors import SchemaError
from si_analytics.settings import Settings

SUMMARIES = "analytics"
PUBLICATION = "si_realtime"
_LOCK = 7_301_450_918  # any number, as long as every apply and diff takes the same
_LOCK_TIMEOUT = "30s"
_OLDEST = 140_000
_SHOWN = 80
_NAMED = 5


@dataclass(frozen=True)
class Section:
    """One section of the schema: its name, its file and its tables, in the order they are created."""

    name: str
    file: sql.SqlFile
    tables: tuple[str, ...]


@dataclass(frozen=True)
class ApplyReport:
    """What an apply created, by kind, and which views it replaced; nothing on a database that had it all."""

    created: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    replaced: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def counts(self) -> dict[str, int]:
        """The number of objects created, by kind."""
        return {kind: len(names) for kind, names in self.created.items()}


def sections() -> tuple[Section, ...]:
    """The sections of the schema that hold tables, in the order they are built.

    >>> [section.name for section in sections()][:2]
    ['users_and_authentication', 'gigs_and_deals']
    """
    files = sql.read_all("schema")
    found = (Section(re.sub(r"^\d+_", "", file.name), file, file.listed("Tables")) for file in files)
    return tuple(section for section in found if section.tables)


def tables() -> tuple[str, ...]:
    """The names of the 42 operational tables, in the order they are created.

    >>> len(tables()), tables()[0]
    (42, 'users')
    """
    return tuple(table for section in sections() for table in section.tables)


def apply(settings: Settings, *, replace_views: bool = False) -> ApplyReport:
    """Create what the database lacks of the schema, in one transaction; nothing where it lacks nothing.

    Never drops a table, a column, an index or a row. Raises SchemaError, having changed nothing, where a standing
    object is not as declared. A view that stands with another definition is replaced with `replace_views` only.
    """
    with postgres.connect(settings, read_only=False) as connection:
        return apply_on(connection, replace_views=replace_views)


def diff(settings: Settings) -> list[Difference]:
    """How the database differs from the declared schema, object by object; changes nothing.

    What an application added beside the declaration is listed as ``extra``, what does as well as what is declared (a
    partitioned table, another type that holds every value, a view for a table that is only read) as ``accepted``.
    """
    with postgres.connect(settings, read_only=False) as connection:
        return diff_on(connection)


def comparable(settings: Settings) -> bool:
    """Whether whoever connects may build the declared schema out of sight, which `diff` compares with."""
    with postgres.connect(settings) as connection:
        row = connection.execute("select has_database_privilege(current_database(), 'create')").fetchone()
    return row == (True,)


def require(settings: Settings) -> None:
    """Raise SchemaError, naming them, where tables or views of the schema are missing."""
    with postgres.connect(settings) as connection:
        require_on(connection)


def apply_on(connection: Connection, *, replace_views: bool = False) -> ApplyReport:
    """`apply` over an open connection."""
    begun = time.monotonic()
    with _speaking("applying the operational schema"), connection.transaction():
        _prepare(connection)
        declared, before = _declared(connection), _found(connection)
        there = equivalents.look(connection)
        outdated = _outdated_views(declared, before, there)
        changed = catalog.compare(declared, before, there.accepts)
        _refuse_changed(changed, [item.name for item in outdated], replace_views)
        grants = [grant for item in outdated for grant in _drop_view(connection, item)]
        standing = _found(connection)
        missing = catalog.missing(declared, standing, there.accepts)
        if missing:
            ddl.create(connection, missing, declared, standing, there.adapted)
        for grant in grants:
            connection.execute(grant)
        created = catalog.added(declared, before, _verified(connection, declared) if missing else before)
    return ApplyReport(created, tuple(item.name for item in outdated), time.monotonic() - begun)


def diff_on(connection: Connection) -> list[Difference]:
    """`diff` over an open connection."""
    with _speaking("comparing the operational schema"), connection.transaction():
        _prepare(connection)
        declared, found = _declared(connection), _found(connection)
        return catalog.compare(declared, found, equivalents.look(connection).accepts)


def require_on(connection: Connection) -> None:
    """`require` over an open connection."""
    there = equivalents.look(connection)
    built = (each.name for each in ddl.statements() if each.kind in {"table"} | VIEWS)
    relations = [name for name in built if not there.keyless(name)]
    try:
        absent = connection.execute(
            "select name from unnest(%s::text[], %s::text[]) with ordinality as wanted (name, place, position)"
            " where to_regclass(place) is null order by position",
            [relations, [name if "." in name else f"{SCHEMA}.{name}" for name in relations]],
        ).fetchall()
    except psycopg.errors.InsufficientPrivilege as error:
        remedy = "Grant this user usage on that schema, or connect as the owner of the tables"
        raise SchemaError("using the operational tables", str(error.diag.message_primary), remedy) from error
    if absent:
        found = f"the database lacks {_enumerated([name for (name,) in absent])}"
        raise SchemaError("using the operational tables", found, "Build them first: si schema apply")


def _prepare(connection: Connection) -> None:
    """Wait for our turn, not for ever, and see that the server will do."""
    connection.execute("select set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
    connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    version = connection.info.server_version
    if version < _OLDEST:
        raise SchemaError("using this server", f"it is PostgreSQL {version // 10_000}", "Use PostgreSQL 14 or later")
    if connection.execute("select to_regnamespace(%s)", [SCHEMA]).fetchone() == (None,):
        raise SchemaError("using this database", f"it has no schema {SCHEMA}", f"Create it: create schema {SCHEMA}")


def _declared(connection: Connection) -> Picture:
    """The picture of the schema as the files declare it, built out of everybody's sight and rolled back."""
    picture: Picture = {}
    with connection.transaction() as scratch:
        name = f"si_declared_{uuid.uuid4().hex}"
        connection.execute(SQL("create schema {}").format(Identifier(name)))
        # What has a fixed name steps aside for its declaration; others never see it gone.
        if connection.execute("select to_regnamespace(%s)", [SUMMARIES]).fetchone() != (None,):
            aside = Identifier(f"{name}_aside")
            connection.execute(SQL("alter schema {} rename to {}").format(Identifier(SUMMARIES), aside))
        if connection.execute("select 1 from pg_publication where pubname = %s", [PUBLICATION]).fetchone():
            aside = Identifier(f"{name}_aside")
            connection.execute(SQL("alter publication {} rename to {}").format(Identifier(PUBLICATION), aside))
        catalog.look_in(connection, name)
        ddl.run_all(connection)
        picture = _read(connection, name)
        raise psycopg.Rollback(scratch)
    return picture


def _found(connection: Connection) -> Picture:
    catalog.look_in(connection, SCHEMA)
    return _read(connection, SCHEMA)


def _read(connection: Connection, schema: str) -> Picture:
    return {**catalog.read(connection, schema), **catalog.read(connection, SUMMARIES, f"{SUMMARIES}.")}


def _outdated_views(declared: Picture, found: Picture, there: equivalents.Standing) -> list[Item]:
    """The standing views and materialized views whose definition is not the declared one."""
    standing = {key: found[key] for key, item in declared.items() if item.kind in VIEWS and key in found}
    return [
        item
        for key, item in standing.items()
        if item.kind in VIEWS and not catalog.same(declared[key], item) and not there.accepts(declared[key], item)
    ]


def _refuse_changed(differences: list[Difference], outdated: list[str], replace_views: bool) -> None:
    asked = "applying the operational schema"
    changed = [each for each in differences if each.status == "changed" and each.name not in outdated]
    if changed:
        raise SchemaError(
            asked, _stated(changed), "Nothing was changed; alter it by hand, or see everything with si schema diff"
        )
    if outdated and not replace_views:
        found = f"another definition than the declared one stands under {_enumerated(outdated)}"
        raise SchemaError(asked, found, "Nothing was changed; to replace it: si schema apply --replace-views")


def _stated(differences: list[Difference]) -> str:
    """The first difference in full, the others by number."""
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
    """What stands after the changes; a difference left is a fault to be told, not to be committed."""
    after = _found(connection)
    accepts = equivalents.look(connection).accepts
    left = [each for each in catalog.compare(declared, after, accepts) if each.status in {"missing", "changed"}]
    if left:
        raise SchemaError("applying the operational schema", _stated(left), "Nothing was changed; see si schema diff")
    return after


@contextlib.contextmanager
def _speaking(asked: str) -> Iterator[None]:
    """Turn what Postgres refuses into one sentence; its first line names objects, never rows."""
    try:
        yield
    except psycopg.errors.LockNotAvailable as error:
        found = f"another session has kept it waiting for {_LOCK_TIMEOUT}"
        raise SchemaError(asked, found, "Nothing was changed; try again when that session is done") from error
    except psycopg.errors.InsufficientPrivilege as error:
        found = str(error.diag.message_primary)
        remedy = "Nothing was changed; connect as the owner of the database and of the tables that stand"
        raise SchemaError(asked, found, remedy) from error
    except psycopg.Error as error:
        # Without words of the server's own the connection broke, and nobody knows how far it got.
        said = error.diag.message_primary
        remedy = "Nothing was changed; see si schema diff" if said else "See what stands with si schema diff"
        raise SchemaError(asked, said or " ".join(str(error).split()), remedy) from error
