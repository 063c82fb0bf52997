"""Which columns of the warehouse are personal: those declared so in ``sql/sources``, and whatever comes from them.

Belongs here: following the declared columns through the metrics and the boards kept of past days. A personal column
that tells a metric's rows apart holds a code instead of its text, so that the rows stay apart; every other one is left
out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from si_analytics.compute import lineage
from si_analytics.compute.lineage import Origin
from si_analytics.definitions import Query, Source, project


@dataclass(frozen=True)
class Personal:
    """The personal columns of one table: those that are left out, and those that hold codes."""

    left_out: frozenset[str] = frozenset()
    coded: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        """Every personal column of the table."""
        return self.left_out | self.coded


NONE = Personal()

_RECORDS = MappingProxyType({"meta.checks": Personal(frozenset({"sample"}))})
"""Rows as a check found them, whatever they hold."""


def tables() -> Mapping[str, Personal]:
    """The personal columns of every table whose columns are accounted for, by its name with the schema.

    >>> tables()["raw.users"].left_out
    frozenset({'name', 'avatar'})
    """
    ours = project()
    declared = frozenset((one.name, column) for one in ours.sources.values() for column in one.personal)
    found = {table: _RECORDS.get(table, NONE) for table in ("meta.checks", *ours.records.tables)}
    told_apart_by: set[Origin] = set()
    for name, metric in ours.metrics.items():
        origins = lineage.column_lineage(name)
        read = {column: declared.intersection(from_it) for column, from_it in origins.items()}
        told_apart_by.update(*(read[column] for column in metric.key))
        personal = frozenset(column for column, from_it in read.items() if from_it)
        if not any(origins.values()):  # where it comes from is not known: whatever could be a text is hidden
            texts = (column.name for column in metric.columns if not column.unit)
            personal = frozenset(name for name in texts if not name.endswith("_id"))
        for schema in ("metrics", "history"):  # a board that is kept has its columns from the metric of its name
            found[f"{schema}.{name}"] = _split(personal, personal.intersection(metric.key))
    coded = frozenset(told_apart_by)
    for one in ours.sources.values():
        found[f"raw.{one.name}"] = _of_source(one, coded)
    queries: Mapping[str, Mapping[str, Query]] = {"dimensions": ours.dimensions, "facts": ours.facts}
    for schema, declarations in queries.items():
        for name, query in declarations.items():
            found[f"{schema}.{name}"] = _of_query(query, found)
    return MappingProxyType(found)


def _of_source(one: Source, coded: frozenset[Origin]) -> Personal:
    personal = frozenset(one.personal)
    return _split(personal, frozenset(column for column in personal if (one.name, column) in coded))


def _of_query(one: Query, of_raw: Mapping[str, Personal]) -> Personal:
    """The personal columns of a query over raw tables."""
    read = lineage.of(one).items()
    left_out = frozenset(
        column for column, origins in read if any(name in of_raw.get(table, NONE).left_out for table, name in origins)
    )
    coded = frozenset(
        column for column, origins in read if any(name in of_raw.get(table, NONE).coded for table, name in origins)
    )
    return Personal(left_out, coded - left_out)


def _split(personal: frozenset[str], coded: frozenset[str]) -> Personal:
    return Personal(personal - coded, coded)


def dimensions_left_out(paths: Iterable[str]) -> frozenset[str]:
    """Those of `paths`, dimensions as measures are broken down by them, that are personal and left out.

    >>> dimensions_left_out(["brand.company", "brand.industry"])
    frozenset({'brand.company'})
    """
    known = tables()
    found = {name: known[f"dimensions.{name}"].left_out for name in project().dimensions}
    # A fact may call a dimension by what it is to the fact: then any dimension's column of that name counts.
    anywhere = frozenset[str]().union(*found.values())
    parts = ((path, path.split(".")) for path in paths)
    return frozenset(path for path, (*role, column) in parts if column in found.get(_last(role), anywhere))


def _last(role: Sequence[str]) -> str:
    return role[-1] if role else ""


def of(table: str) -> Personal:
    """The personal columns of one table, named with its schema.

    >>> of("raw.deals").all
    frozenset()
    """
    return tables().get(table, NONE)
