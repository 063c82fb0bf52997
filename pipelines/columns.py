"""The columns of every asset: what each means, and which columns of other assets it is made of.

Belongs here: turning what ``sql/`` declares into Dagster's terms, before anything runs.
In the asset of a schema section, a Postgres column is named ``table.column``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

import dagster as dg

from si_analytics import schema
from si_analytics.compute import lineage
from si_analytics.compute.lineage import Origin
from si_analytics.definitions import Dimension, Fact, MetricColumn, Query, Source, column_types, project
from si_analytics.definitions.targets import Target

_NAMED = 4
_DAY = dg.TableColumn("as_of_date", "date", "the day, in the reporting time zone, whose end is described")


def table_schema(columns: Iterable[dg.TableColumn]) -> dict[str, dg.TableSchema]:
    """The metadata under which Dagster shows columns."""
    return {"dagster/column_schema": dg.TableSchema(list(columns))}


def of_section(section: schema.Section) -> list[dg.TableColumn]:
    """Every column of the tables of a section of the operational schema, and whether it is ever read."""
    return [
        dg.TableColumn(
            f"{table}.{column.name}",
            column_types.in_short(column.type),
            _said(column.facts, _reading(table, column.name)),
        )
        for table in section.tables
        for column in project().tables[table].columns
    ]


def of_extract(table: str) -> list[dg.TableColumn]:
    """The columns that are read from an operational table, with their types in Postgres."""
    return [
        dg.TableColumn(one.name, one.type, _said(f"{table}.{one.name} in Postgres", one.facts))
        for one in project().source_columns(table)
    ]


@functools.cache
def of_metric(name: str) -> tuple[dg.TableColumn, ...]:
    """What each column of a metric means, its unit, and which columns of Postgres it is made of.

    The types are known only after computing. Cached, so that a process loads the files once.
    """
    from_postgres = lineage.column_lineage(name)
    return tuple(_column(one, from_postgres[one.name]) for one in project().computed[name].columns)


def of_fact(one: Fact | Dimension) -> list[dg.TableColumn]:
    """What each column of a fact or dimension means, its unit, and which columns of Postgres it is made of."""
    read = lineage.of(one)
    return [
        _column(column, [(table.removeprefix("raw."), name) for table, name in read[column.name]])
        for column in one.columns
        if column.name in read
    ]


def _column(one: MetricColumn, origins: Iterable[Origin]) -> dg.TableColumn:
    return dg.TableColumn(
        one.name, "", _said(f"{one.meaning} ({one.unit})" if one.unit else one.meaning, _made(origins))
    )


def of_target(target: Target) -> list[dg.TableColumn]:
    """The columns that publishing writes, with their table's types and their metric's meanings."""
    table = project().tables[target.declared]
    meanings = {column.name: column.description for column in of_metric(target.metric)}
    return [
        dg.TableColumn(name, column_types.in_short(table.column(name).type), meanings[read])
        for name, read in _written(target).items()
    ]


def of_history(name: str) -> list[dg.TableColumn]:
    """The columns of a metric as kept for each day."""
    return [_DAY, *of_metric(name)]


def described(columns: Iterable[dg.TableColumn], types: Mapping[str, str]) -> dict[str, dg.TableSchema]:
    """The columns a table really has once it is filled, with what `columns` says of them."""
    says = {column.name: column.description for column in columns}
    return table_schema(dg.TableColumn(name, kind, says.get(name)) for name, kind in types.items())


def lineage_of(one: Query | Source) -> dict[str, dg.TableColumnLineage]:
    """Which columns of other assets each column of a query or source is made of."""
    return _lineage({column: _deps(read) for column, read in lineage.of(one).items()})


def lineage_of_target(target: Target) -> dict[str, dg.TableColumnLineage]:
    """The metric's column behind each written column."""
    return _lineage({name: _deps([(target.source, read)]) for name, read in _written(target).items()})


def lineage_of_history(name: str) -> dict[str, dg.TableColumnLineage]:
    """The metric's column behind each kept column."""
    return _lineage({one.name: _deps([(f"metrics.{name}", one.name)]) for one in project().computed[name].columns})


def _lineage(deps: Mapping[str, list[dg.TableColumnDep]]) -> dict[str, dg.TableColumnLineage]:
    made = {column: found for column, found in deps.items() if found}
    return {"dagster/column_lineage": dg.TableColumnLineage(made)}


def _deps(read: Iterable[Origin]) -> list[dg.TableColumnDep]:
    """These origins as columns of assets; leaves out the library's own records, which have no asset."""
    section_of = {table: section.name for section in schema.sections() for table in section.tables}
    found = []
    for table, column in read:
        space, _, bare = table.partition(".")
        if space == "public" and bare in section_of:
            found.append(dg.TableColumnDep(dg.AssetKey(["operational", section_of[bare]]), f"{bare}.{column}"))
        elif space in {"raw", "dimensions", "facts", "metrics"}:
            found.append(dg.TableColumnDep(dg.AssetKey([space, bare]), column))
    return found


def _written(target: Target) -> dict[str, str]:
    """Per column that publishing writes, the metric's column it comes from; the key may have another name."""
    return dict(zip(target.names, (*target.metric_key, *target.columns), strict=True))


def _reading(table: str, column: str) -> str:
    source = project().sources.get(table)
    read = source is not None and column in source.columns
    return f"read into raw.{table}" if read else "stays in Postgres"


def _made(origins: Iterable[Origin]) -> str:
    """The Postgres columns it is made of, the first few by name."""
    names = [f"{table}.{column}" for table, column in origins]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"from {', '.join(names[:_NAMED])}{more}" if names else ""


def _said(*facts: str) -> str:
    return "; ".join(fact for fact in facts if fact)
