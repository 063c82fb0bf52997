"""The rows that waited, into their tables.

Belongs here: adding, overwriting and replacing rows, and counting what that changed.

Replacing leaves a row alone that is the same, and changes one whose key stays, so that rows of other tables that refer
to it are not touched. Rows that go take nothing with them: where a row of a table that is not replaced refers to
one of them, all of it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

import psycopg
from psycopg import sql

from si_analytics.load import refusals
from si_analytics.load.reading import Source
from si_analytics.load.target import Reference, refusal
from si_analytics.load.waiting import ROW, equal, names, table, there
from si_analytics.postgres import copying

_Made = TypeVar("_Made")
_Given = ParamSpec("_Given")


@dataclass(frozen=True)
class Change:
    """What loading did to one table, in rows; ``unchanged`` were the same already."""

    inserted: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0


def place(
    connection: copying.Connection, sources: Mapping[str, Source], done: Callable[[str, Change], None]
) -> dict[str, Change]:
    """Move every waiting row; the sources come parents first. Calls `done` after each table."""
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
    work: Callable[Concatenate[copying.Connection, Source, _Given], _Made],
    connection: copying.Connection,
    source: Source,
    *given: _Given.args,
    **named: _Given.kwargs,
) -> _Made:
    try:
        return work(connection, source, *given, **named)
    except psycopg.Error as error:
        # The cause is not chained: it quotes the row, which may be about a person.
        raise refusals.told(error, source) from None


def keyed(source: Source) -> bool:
    """Whether the file says the primary key of its rows."""
    return bool(source.target.key) and set(source.target.key) <= set(source.names)


def _write(connection: copying.Connection, source: Source) -> tuple[int, int, int]:
    """Insert rows whose key is new, update those that differ; how many there were of each, and how many that do not."""
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


def _update(source: Source, others: list[str], same: sql.Composed) -> sql.Composed:
    assigned = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Identifier("waits", name)) for name in others
    )
    columns = source.target.columns

    def compared(of: str) -> sql.Composed:
        # The type json has no equality.
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


def _going(source: Source, of: str) -> sql.Composed:
    """That a row of the table is none of the file's."""
    if not keyed(source):
        return sql.SQL("true").format()
    key = source.target.key
    return sql.SQL("not exists (select from {} as waits where {})").format(
        table(source.target.table), equal(key, "waits", key, of)
    )


def _lock(connection: copying.Connection, source: Source) -> None:
    """Hold the rows that are to go: from here on no other session gives them a row that would go with them."""
    connection.execute(
        sql.SQL("select count(*) from (select 1 from {} as present where {} for update) as held").format(
            there(source.target), _going(source, "present")
        )
    )


def _remove(connection: copying.Connection, source: Source, only_free: bool) -> int:
    """Delete the rows that are none of the file's; at first only those that no row refers to which stays.

    The rest waits until the rows that refer to them were updated: a key that cascades would take them along.
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


def _staying(reference: Reference, source: Source) -> sql.Composed:
    """Within one table a row that goes may be referred to by another one that goes."""
    if (reference.schema, reference.table) != (source.target.schema, source.target.table):
        return sql.SQL("").format()
    return sql.SQL(" and not ({})").format(_going(source, "child"))


def _refuse_referred(connection: copying.Connection, source: Source, sources: Mapping[str, Source]) -> None:
    """Raise LoadError where a row that stays refers to one that is to go."""
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
