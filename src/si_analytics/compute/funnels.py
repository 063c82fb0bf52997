"""Funnels: facts whose rows go through stages, counted by whatever they can be grouped by.

Belongs here: which funnels there are, what they can be asked for, and running what `definitions.staged` makes of it. To
add a funnel, give a fact in ``sql/facts`` stages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from si_analytics.calendars import STANDARD, Calendar
from si_analytics.compute import facts
from si_analytics.definitions import Fact, lookup, project
from si_analytics.errors import UsageError
from si_analytics.warehouse import local_offsets

if TYPE_CHECKING:
    from si_analytics.definitions.staged import Asked

ALL = "all"
UNITS = "funnel_units"
"""The temporary table of a funnel's units, one by one: see `lay_out`."""


def names() -> tuple[str, ...]:
    """Every funnel, by name."""
    return tuple(project().funnels)


def of(name: str) -> Fact:
    """The fact of the funnel of that name; raises UnknownNameError that suggests the nearest."""
    return lookup(project().funnels, name, "funnel")


def stages(name: str) -> tuple[str, ...]:
    """The stages of a funnel, in order."""
    return tuple(stage.name for stage in of(name).stages)


def breakdowns(name: str) -> tuple[str, ...]:
    """The short names of what a funnel is often broken down by."""
    return tuple(of(name).breakdowns)


def reachable(name: str) -> tuple[str, ...]:
    """All that a funnel can be broken down by and filtered to: its breakdowns, every path, the calendar."""
    from si_analytics.definitions import staged

    return staged.reachable(of(name), project().dimensions)


def groupings(by: str | Sequence[str] | None) -> tuple[str, ...]:
    """What a breakdown is made of: ``method, agent.tier`` is two groupings."""
    listed = [] if by is None else by.split(",") if isinstance(by, str) else by
    return tuple(part.strip() for part in listed)


def check_breakdown(name: str, by: str | Sequence[str] | None) -> None:
    """Raise UnknownNameError, with the valid choices, unless the funnel can be broken down by each of these.

    Raises UsageError for one that is named twice.
    """
    from si_analytics.definitions import staged

    asked = groupings(by)
    for each in asked:
        staged.resolve(of(name), project().dimensions, each)
        if asked.count(each) > 1:
            raise UsageError(f"funnel '{name}' by {each}", "it is asked for twice", "Name it once")


def is_list(name: str, grouping: str) -> bool:
    """Whether a unit can be under several values of a grouping."""
    from si_analytics.definitions import staged

    return staged.resolve(of(name), project().dimensions, grouping).kind == "list"


def grouped_by(breakdowns: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The dimensions that funnels, broken down so, are joined with."""
    from si_analytics.definitions import staged

    ours = project().dimensions
    steps = (step for name, by in breakdowns for step in staged.resolve(of(name), ours, by).steps)
    return tuple(dict.fromkeys(f"dimensions.{step.dimension}" for step in steps))


def asked(
    by: str | None, where: Mapping[str, Sequence[str]], *, within: bool, tz: str, calendar: Calendar = STANDARD
) -> Asked:
    """How a funnel is asked for, in the words of `staged`; `bound` gives the values of its filters."""
    from si_analytics.definitions import staged

    named = {name: f"where_{at}" for at, name in enumerate(where)}
    return staged.Asked(groupings(by), named, within, calendar, utc=tz == "UTC")


def bound(where: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The values of the filters, by parameter."""
    return {f"where_{at}": list(values) for at, values in enumerate(where.values())}


def counted(chosen: Sequence[str], how: Asked) -> tuple[str, tuple[str, ...]]:
    """The query of the `chosen` funnels, one row per group and stage, and the tables it reads."""
    from si_analytics.definitions import staged, trees

    shown = how.by if len(how.by) > 1 else ()
    query = staged.counted([of(name) for name in chosen], project().dimensions, how, shown)
    return trees.written(query, "duckdb"), _inputs(query)


def lay_out(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    values: Mapping[str, Any],
    how: Asked,
    stage: int,
    *,
    attributes: Sequence[str] = (),
) -> duckdb.DuckDBPyRelation:
    """Store one row per unit and group as ``funnel_units``: how far it got, and what is known of that stage.

    The `attributes` are columns beside those of `staged.units`.
    """
    from si_analytics.definitions import staged, trees

    query = staged.units(of(name), project().dimensions, how, stage, attributes)
    rows = run(connection, trees.written(query, "duckdb"), _inputs(query), values)
    # Not `relation.create`: for a temporary table it ignores the catalog in a name.
    rows.query("laid_out", f"create or replace temporary table {UNITS} as from laid_out")
    return connection.table(f"temp.main.{UNITS}")


def run(
    connection: duckdb.DuckDBPyConnection, text: str, inputs: Sequence[str], values: Mapping[str, Any]
) -> duckdb.DuckDBPyRelation:
    """The rows of a query of funnels, with those of `values` that it names."""
    whole = facts.read(connection, text, inputs, values["as_of"])
    if local_offsets.TABLE in whole:
        local_offsets.lay_out(connection, values["tz"], values["as_of"])
    named = connection.extract_statements(whole)[0].named_parameters
    return connection.sql(whole, params={key: values[key] for key in sorted(named)})


def _inputs(query: Any) -> tuple[str, ...]:
    """The facts and dimensions that a query reads."""
    from si_analytics.definitions import trees

    return tuple(dict.fromkeys(f"{table.db}.{table.name}" for table in query.find_all(trees.Table) if table.db))
