"""Which columns of the warehouse are personal: those declared so in ``sql/sources``, and whatever comes from them.

Belongs here: following the declared columns through the metrics and the boards kept of past days. A personal column
that tells a metric's rows apart holds a code instead of its text, so that the rows stay apart; every other one is left
out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from si_analytics.compute import lineage
from si_analytics.compute.lineage import Origin
from si_analytics.definitions import project


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

_SAMPLES = MappingProxyType({"meta.checks": Personal(frozenset({"sample"}))})
"""Rows as a check found them, whatever they hold."""


def tables() -> Mapping[str, Personal]:
    """The personal columns of each table that has any, by its name with the schema.

    >>> tables()["raw.users"].left_out
    frozenset({'name', 'avatar'})
    """
    sources = project().sources.values()
    declared = frozenset((one.name, column) for one in sources for column in one.personal)
    told_apart_by: set[Origin] = set()
    found = dict(_SAMPLES)
    for name, metric in project().metrics.items():
        read = {column: declared.intersection(origins) for column, origins in lineage.column_lineage(name).items()}
        told_apart_by.update(*(read[column] for column in metric.key))
        personal = frozenset(column for column, origins in read.items() if origins)
        for schema in ("metrics", "history"):  # a board that is kept has its columns from the metric of its name
            found[f"{schema}.{name}"] = _split(personal, personal.intersection(metric.key))
    for one in sources:
        coded = (column for column in one.personal if (one.name, column) in told_apart_by)
        found[f"raw.{one.name}"] = _split(frozenset(one.personal), frozenset(coded))
    return MappingProxyType({table: personal for table, personal in found.items() if personal.all})


def _split(personal: frozenset[str], coded: frozenset[str]) -> Personal:
    return Personal(personal - coded, coded)


def of(table: str) -> Personal:
    """The personal columns of one table, named with its schema.

    >>> of("raw.deals").all
    frozenset()
    """
    return tables().get(table, NONE)
