"""Moves the waiting rows into their tables.

Belongs here: adding, overwriting and replacing rows, and counting what changed.

Replacing leaves identical rows alone and updates a row whose key stays, so that rows of other tables that point
to it are not affected. Removed rows take nothing with them: if a row of a table that is not replaced points to
one of them, the whole load is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

import psycopg
from psycopg import sql

from si_analytics.load import refusals
from si_analytics.load.reading import LoadFile
from si_analytics.load.target import Reference, refusal
from si_analytics.load.waiting import ROW, equal, names, table, there
from si_analytics.postgres import copying

_Made = TypeVar("_Made")
_Given = ParamSpec("_Given")


@dataclass(frozen=True)
class Change:
    """What a load did to one table, in rows; ``unchanged`` rows were already the same."""

    inserted: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0


def place(
    connection: copying.Connection, sources: Mapping[str, LoadFile], done: Callable[[str, Change], None]
) -> dict[str, Change]:
    """Moves every waiting row, parents first, in the order of the sources. Calls `done` after each table."""
    replaced = [source for source in sources.values() if source.options.mode == "replace"]
    removed = dict.fromkeys(sources, 0)
    for source in replaced:
        _told(_lock, connection, source)
    for source in reversed(replaced):
        removed[source.target.table] += _told(_remove, connection, source, True)
    made: dict[str, Change] = {}
    for name, source in sources.items():
        inserted, updated, kept = _told(_write, connection, source)
        made[name] = Change(inserted, updated, removed[name], kept)
        done(name, made[name])
    for source in reversed(replaced):
        _refuse_referred(connection, source, sources)
        more = _told(_remove, connection, source, False)
        before = made[source.target.table]
        made[source.target.table] = Change(before.inserted, before.updated, before.removed + more, before.unchanged)
    return made


def _told(
    work: Callable[Concatenate[copying.Connection, LoadFile, _Given], _Made],
    connection: copying.Connection,
    source: LoadFile,
    *given: _Given.args,
    **named: _Given.kwargs,
) -> _Made:
    try:
        return work(connection, source, *given, **named)
    except psycopg.Error as error:
        # Not chained: the cause quotes the row, which may be about a person.
        raise refusals.told(error, source) from None


def keyed(source: LoadFile) -> bool:
    """Whether the file has the primary key of its rows."""
    return bool(source.target.key) and set(source.target.key) <= set(source.names)


def _write(connection: copying.Connection, source: LoadFile) -> tuple[int, int, int]:
    """Inserts rows with new keys and updates changed ones; returns how many were inserted, updated and unchanged."""
    waiting, target, key = table(source.target.table), there(source.target), source.target.key
    known = sql.SQL("").format()
    updated = met = 0
    if source.options.mode != "add" and keyed(source):
        same = equal(key, "present", key, "waits")
        others = [name for name in source.names if name not in key]
        found = sql.SQL("select count(*) from {} as waits inner join {} as present on {}").format(waiting, target, same)
        met = (connection.execute(found).fetchone() or (0,))[0]
        if others and met:
            updated = connection.execute(_update(source, others, same)).rowcount
        known = sql.SQL(" where not exists (select from {} as present where {})").format(target, same)
    insert = sql.SQL("insert into {} ({}) select {} from {} as waits{} order by waits.{}").format(
        target, names(source.names), names(source.names, "waits"), waiting, known, sql.Identifier(ROW)
    )
    return connection.execute(insert).rowcount, updated, met - updated


def _update(source: LoadFile, others: list[str], same: sql.Composed) -> sql.Composed:
    assigned = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Identifier("waits", name)) for name in others
    )
    columns = source.target.columns

    def compared(of: str) -> sql.Composed:
        # The type json has no equality, so compare its text.
        casts = (sql.SQL("::text") if columns[name].base == "json" else sql.SQL("") for name in others)
        return sql.SQL(", ").join(sql.Identifier(of, name) + cast for name, cast in zip(others, casts, strict=True))

    return sql.SQL("update {} as present set {} from {} as waits where {} and ({}) is distinct from ({})").format(
        there(source.target),
        assigned,
        table(source.target.table),
        same,
        _row(compared("present")),
        _row(compared("waits")),
    )


def _row(columns: sql.Composed) -> sql.Composed:
    return sql.SQL("row({})").format(columns)


def _going(source: LoadFile, of: str) -> sql.Composed:
    """Returns the condition for a row of the table that is not in the file."""
    if not keyed(source):
        return sql.SQL("true").format()
    key = source.target.key
    return sql.SQL("not exists (select from {} as waits where {})").format(
        table(source.target.table), equal(key, "waits", key, of)
    )


def _lock(connection: copying.Connection, source: LoadFile) -> None:
    """Locks the rows to be removed, so that no other session adds a row that would go with them."""
    connection.execute(
        sql.SQL("select count(*) from (select 1 from {} as present where {} for update) as held").format(
            there(source.target), _going(source, "present")
        )
    )


def _remove(connection: copying.Connection, source: LoadFile, only_free: bool) -> int:
    """Deletes the rows that are not in the file; with `only_free`, only those that no remaining row points to.

    Deletes the rest after the rows that point to them were updated: a cascading key would delete those too.
    """
    if not only_free and not keyed(source):
        return 0
    condition = _going(source, "present")
    if only_free:
        for reference in source.target.references:
            held = sql.SQL(" and not exists (select from {} as child where {}{})").format(
                sql.Identifier(reference.schema, reference.table),
                equal(reference.columns, "child", reference.columns_there, "present"),
                _staying(reference, source),
            )
            condition = condition + held
    query = sql.SQL("delete from {} as present where {}").format(there(source.target), condition)
    return connection.execute(query).rowcount


def _staying(reference: Reference, source: LoadFile) -> sql.Composed:
    """Returns the condition that leaves out rows of the same table that are removed themselves."""
    if (reference.schema, reference.table) != (source.target.schema, source.target.table):
        return sql.SQL("").format()
    return sql.SQL(" and not ({})").format(_going(source, "child"))


def _refuse_referred(connection: copying.Connection, source: LoadFile, sources: Mapping[str, LoadFile]) -> None:
    """Raises LoadError if a row that stays points to a row to be removed."""
    for reference in source.target.references:
        query = sql.SQL("select count(*) from {} as child inner join {} as present on {} where {}{}").format(
            sql.Identifier(reference.schema, reference.table),
            there(source.target),
            equal(reference.columns, "child", reference.columns_there, "present"),
            _going(source, "present"),
            _staying(reference, source),
        )
        count = (connection.execute(query).fetchone() or (0,))[0]
        if count:
            refers = "row refers" if count == 1 else "rows refer"
            found = (
                f"{count:,} {refers} by {reference.table}.{', '.join(reference.columns)} to rows of"
                f" {source.target.table} that it lacks"
            )
            given = sources.get(reference.table) if reference.schema == source.target.schema else None
            remedy = f"Put {reference.table}.csv beside it, or use --upsert, which removes nothing"
            raise refusal(source.name, found, "Correct it, or use --upsert" if given else remedy)
