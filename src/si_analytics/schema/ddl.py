"""The statements of ``sql/schema`` and ``sql/views``, and those that bring a standing table up to them.

Belongs here: everything that changes the shape of the operational database.

A statement of the files is run when the object it creates is missing, and then only: what stands is not locked,
and need not belong to the role that asks. What a standing table lacks is added from the server's own words for
the declared column or key, never from words of ours.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from psycopg.sql import SQL, Composable, Composed, Identifier

from si_analytics.definitions import Project, Script, project
from si_analytics.definitions import ddl as declarations
from si_analytics.postgres import operational
from si_analytics.schema import generated, introspection
from si_analytics.schema.introspection import Connection, Item, Picture

BOARDS = f"{operational.SCHEMA}."
"""What pictures put before the names of boards where the operational tables are in another schema."""


@dataclass(frozen=True)
class Built:
    """One statement of the files: the kind and name of what it creates, and its text.

    A ``board`` is a materialized view, or belongs to one: it is in ``public`` wherever the operational tables are.
    """

    kind: str
    name: str
    text: str
    board: bool = False

    def place(self, schema: str) -> str:
        """The name as pictures have it where the operational tables are in `schema`."""
        return BOARDS + self.name if self.board and schema != operational.SCHEMA else self.name


def scripts() -> tuple[Script, ...]:
    """What declares the schema: the files, then what follows from sources and targets.

    Roles belong to the server, not to a database, and are set up apart.
    """
    return _scripts(project())


@functools.lru_cache(maxsize=8)
def _scripts(ours: Project) -> tuple[Script, ...]:
    written = (one for one in (*ours.schema.values(), *ours.views.values()) if not one.roles)
    return (*written, *generated.scripts(ours))


def statements() -> tuple[Built, ...]:
    """Every statement of the schema and the views, in the order they are run."""
    return _statements(project())


@functools.lru_cache(maxsize=8)
def _statements(ours: Project) -> tuple[Built, ...]:
    return tuple(
        Built(each.kind, each.name, each.text, _is_board(one))
        for one in _scripts(ours)
        for each in declarations.statements(one.text)
    )


def _is_board(one: Script) -> bool:
    return any(statement.kind == "materialized view" for statement in declarations.statements(one.text))


def keyed() -> dict[str, tuple[str, ...]]:
    """The views that are grouped by the key of a table, and so take one of its own, with those tables."""
    return {
        one.name: script.keyed for script in scripts() if script.keyed for one in declarations.statements(script.text)
    }


def run_all(connection: Connection, schema: str, boards: str) -> None:
    """Run every file as it stands, as psql would: the boards in one schema, all else in the other."""
    for one in scripts():
        introspection.look_in(connection, boards if _is_board(one) else schema)
        connection.execute(_words(one.text))


def _as_it_is(one: Built) -> str:
    return one.text


def create(
    connection: Connection,
    missing: Sequence[Item],
    declared: Picture,
    standing: Picture,
    adapted: Callable[[Built], str] = _as_it_is,
) -> None:
    """Create the `missing` objects of the `declared` picture, given what is `standing`.

    ``adapted`` gives a statement as it has to be run here.
    """
    wanted = {(item.kind, item.name.partition("(")[0]) for item in missing}
    on_standing = [item for item in missing if ("relation", "", item.relation) in standing]
    _run(connection, wanted, {"function"}, adapted)
    _add_columns(connection, on_standing, declared)
    _add_constraints(connection, [item for item in on_standing if item.kind in {"primary key", "unique", "check"}])
    _run(connection, wanted, {statement.kind for statement in statements()} - {"function"}, adapted)
    _add_constraints(connection, [item for item in on_standing if item.kind == "foreign key"])
    if any(item.kind == "publication" for item in standing.values()):
        _publish(connection, [item for item in missing if item.kind == "published table"])


def _run(
    connection: Connection, wanted: set[tuple[str, str]], kinds: set[str], adapted: Callable[[Built], str]
) -> None:
    schema = operational.of(connection)
    for statement in statements():
        if statement.kind in kinds and (statement.kind, statement.place(schema)) in wanted:
            introspection.look_in(connection, operational.SCHEMA if statement.board else schema)
            connection.execute(_words(adapted(statement)))


def _add_columns(connection: Connection, missing: Iterable[Item], declared: Picture) -> None:
    """Add the columns a standing table lacks, and the default or `not null` a standing column lacks."""
    items = list(missing)
    added = {(item.relation, item.name) for item in items if item.kind == "column"}
    for item in items:
        place = (item.relation, item.name)
        if item.kind == "column":
            default = declared.get(("default", *place))
            clauses: list[Composable] = [_words(item.definition)]
            clauses += [SQL("default"), _words(default.definition)] if default else []
            clauses += [SQL("not null")] if ("not null", *place) in declared else []
            _alter(connection, item, SQL("add column {} {}").format(Identifier(item.name), SQL(" ").join(clauses)))
        elif item.kind == "default" and place not in added:
            value = _words(item.definition)
            _alter(connection, item, SQL("alter column {} set default {}").format(Identifier(item.name), value))
        elif item.kind == "not null" and place not in added:
            _alter(connection, item, SQL("alter column {} set not null").format(Identifier(item.name)))


def _add_constraints(connection: Connection, missing: Iterable[Item]) -> None:
    for item in missing:
        definition = _words(item.definition)
        _alter(connection, item, SQL("add constraint {} {}").format(Identifier(item.name), definition))


def _publish(connection: Connection, missing: Iterable[Item]) -> None:
    for item in missing:
        statement = SQL("alter publication {} add table {}")
        connection.execute(statement.format(Identifier(item.name), _table(connection, item.relation)))


def _alter(connection: Connection, item: Item, change: Composable) -> None:
    connection.execute(SQL("alter table {} {}").format(_table(connection, item.relation), change))


def _table(connection: Connection, name: str) -> Identifier:
    schema, _, bare = name.rpartition(".")
    return Identifier(schema or operational.of(connection), bare)


def _named(connection: Connection, name: str) -> str:
    return _table(connection, name).as_string(None)


def drop_view(connection: Connection, item: Item) -> list[Composed]:
    """Drop one view, nothing else with it; returns the grants that it held, to be given back to its successor."""
    given = connection.execute(
        _words(project().postgres.privileges.text), {"view": _named(connection, item.name)}
    ).fetchall()
    view = _table(connection, item.name)
    connection.execute(SQL("drop {} {} restrict").format(_words(item.kind), view))
    return [_grant(view, *row) for row in given]


def dependents(connection: Connection, view: str) -> list[str]:
    """What depends on a view, in the server's words: ``view weekly_board``."""
    rows = connection.execute(_words(project().postgres.dependents.text), {"view": _named(connection, view)}).fetchall()
    return [name for (name,) in rows]


def _grant(view: Identifier, privilege: str, column: str | None, grantable: bool, grantee: str | None) -> Composed:
    return SQL("grant {}{} on {} to {}{}").format(
        _words(privilege),
        SQL(" ({})").format(Identifier(column)) if column else SQL(""),
        view,
        Identifier(grantee) if grantee else SQL("public"),
        SQL(" with grant option" if grantable else ""),
    )


def _words(text: str) -> SQL:
    """SQL of our own files or of the server's catalogs, as it stands."""
    return SQL(text)
