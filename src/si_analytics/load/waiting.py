"""Temporary tables in which rows wait until all of them are checked.

Belongs here: a temporary table for each file, and checking the keys that its rows have and point to.

A waiting table has the columns and checks of its operational table, so that COPY names the wrong row. We compare keys
with the waiting and the existing rows before the first row goes into any table: so a wrong id in the last of forty
files does not undo thirty-nine written tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg
from psycopg import sql

from si_analytics.errors import LoadError
from si_analytics.load import refusals
from si_analytics.load.reading import LoadFile
from si_analytics.load.target import LoadTarget, Rule, refusal
from si_analytics.postgres import copying

ROW = "row of the file"
_ROW = sql.Identifier(ROW)


def table(name: str) -> sql.Identifier:
    """Returns the waiting table of that operational table."""
    return sql.Identifier("pg_temp", f"load_{name}")


def there(target: LoadTarget) -> sql.Identifier:
    """Returns the operational table itself."""
    return sql.Identifier(target.schema, target.table)


def names(columns: Sequence[str], of: str = "") -> sql.Composed:
    """Returns the columns as a list; with the name `of` their table if given."""
    return sql.SQL(", ").join(sql.Identifier(of, name) if of else sql.Identifier(name) for name in columns)


def equal(ours: Sequence[str], one: str, theirs: Sequence[str], other: str) -> sql.Composed:
    """Returns the condition that the columns of one table equal those of the other."""
    pairs = zip(ours, theirs, strict=True)
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(one, a), sql.Identifier(other, b)) for a, b in pairs
    )


def fill(connection: copying.Connection, source: LoadFile) -> int:
    """Copies the rows of the file into their own waiting table; returns how many."""
    target = source.target
    try:
        _make(connection, source)
        return copying.write(connection, f"load_{target.table}", source.frames(), list(source.names), schema="pg_temp")
    except psycopg.Error as error:
        # Not chained: the cause quotes the row, which may be about a person.
        raise refusals.told(error, source) from None
    except OSError as error:
        raise refusal(source.name, "it cannot be read to its end", f"Check the file ({error.strerror})") from error


def _make(connection: copying.Connection, source: LoadFile) -> None:
    target, waiting = source.target, table(source.target.table)
    connection.execute(
        sql.SQL("create temp table {} (like {} including constraints) on commit drop").format(waiting, there(target))
    )
    left_out = [
        column.name for column in target.columns.values() if column.not_null and column.name not in source.names
    ]
    for name in left_out:
        connection.execute(
            sql.SQL("alter table {} alter column {} drop not null").format(waiting, sql.Identifier(name))
        )
    connection.execute(
        sql.SQL("alter table {} add column {} bigint generated always as identity").format(waiting, _ROW)
    )


def look(connection: copying.Connection, sources: Mapping[str, LoadFile]) -> None:
    """Raises LoadError, which names file and row, for a repeated key, or a key that points to no row."""
    for source in sources.values():
        connection.execute(sql.SQL("analyze {}").format(table(source.target.table)))
    for source in sources.values():
        # The primary key first: an existing row also repeats its other keys.
        for rule in sorted(source.target.rules.values(), key=lambda rule: rule.kind != "p"):
            if rule.columns and set(rule.columns) <= set(source.names):
                if rule.kind in "pu":
                    _refuse_doubled(connection, source, rule)
                    _refuse_present(connection, source, rule)
                elif rule.kind == "f":
                    _refuse_dangling(connection, sources, source, rule)


def _refuse_doubled(connection: copying.Connection, source: LoadFile, rule: Rule) -> None:
    query = sql.SQL(
        "select min(later.{row}), min(keys.first) from {waiting} as later inner join ("
        "select {columns}, min({row}) as first from {waiting} group by {columns} having count(*) > 1"
        ") as keys on {same} where later.{row} > keys.first"
    ).format(
        row=_ROW,
        waiting=table(source.target.table),
        columns=names(rule.columns),
        same=equal(rule.columns, "later", rule.columns, "keys"),
    )
    row, first = connection.execute(query).fetchone() or (None, 0)
    if row is not None and first:
        earlier = f"is there already, in the same file, for the first time in {source.file.at(first)} or before"
        raise _taken(source, rule, row, earlier, "Remove or correct the row")


def _refuse_present(connection: copying.Connection, source: LoadFile, rule: Rule) -> None:
    key, mode = source.target.key, source.options.mode
    keyed = bool(key) and set(key) <= set(source.names)
    # Replaced rows release their keys; Postgres reports what still conflicts.
    if mode == "replace" or (mode == "upsert" and rule.columns == key):
        return
    ours = sql.SQL("").format()
    if mode == "upsert" and keyed:
        ours = sql.SQL(" where not exists (select from {} as mine where {})").format(
            table(source.target.table), equal(key, "mine", key, "present")
        )
    query = sql.SQL(
        "select min(waits.{row}), count(*) from {waiting} as waits inner join {there} as present on {same}{ours}"
    ).format(
        row=_ROW,
        waiting=table(source.target.table),
        there=there(source.target),
        same=equal(rule.columns, "waits", rule.columns, "present"),
        ours=ours,
    )
    row, count = connection.execute(query).fetchone() or (None, 0)
    if row is not None:
        found = f"is there already, in the table {source.target.table} (so are {count:,} of the file)"
        if mode == "upsert":
            raise _taken(source, rule, row, f"{found}, in a row of another {', '.join(key)}", "Correct it")
        remedy = "To load rows again say --upsert, which overwrites them, or --replace, which removes all others too"
        raise _taken(source, rule, row, found, remedy)


def _taken(source: LoadFile, rule: Rule, row: int, found: str, remedy: str) -> LoadError:
    listed = ", ".join(rule.columns)
    return refusal(source.name, f"{source.file.at(row)}: the value of {listed} {found}", remedy)


def _refuse_dangling(
    connection: copying.Connection, sources: Mapping[str, LoadFile], source: LoadFile, rule: Rule
) -> None:
    assert rule.refers_to is not None
    assert rule.refers_to_schema is not None
    parent = sources.get(rule.refers_to) if rule.refers_to_schema == source.target.schema else None
    held = []
    if parent is None or source.options.mode != "replace":
        held.append(sql.Identifier(rule.refers_to_schema, rule.refers_to))
    if parent is not None and set(rule.columns_there) <= set(parent.names):
        held.append(table(rule.refers_to))
    missing = [
        sql.SQL("and not exists (select from {} as held where {})").format(
            relation, equal(rule.columns_there, "held", rule.columns, "waits")
        )
        for relation in held
    ]
    present = [sql.SQL("{} is not null").format(sql.Identifier("waits", name)) for name in rule.columns]
    query = sql.SQL("select min(waits.{}) from {} as waits where {} {}").format(
        _ROW, table(source.target.table), sql.SQL(" and ").join(present), sql.SQL(" ").join(missing)
    )
    row = (connection.execute(query).fetchone() or (None,))[0]
    if row is not None:
        listed = ", ".join(rule.columns)
        found = f"{source.file.at(row)}: {listed} names a row that {_holder(rule, parent, source)} does not hold"
        raise refusal(source.name, found, "Correct it, or load that row too")


def _holder(rule: Rule, parent: LoadFile | None, source: LoadFile) -> str:
    if parent is not None and source.options.mode == "replace":
        return f"{parent.name}, which replaces the table {rule.refers_to},"
    return f"the table {rule.refers_to}"
