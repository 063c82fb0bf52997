"""Checks that are declared without a query: theirs follows from the sources and targets.

Belongs here: which check follows from what, and which of its tables a check of keys has to look at closely.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping

import duckdb

from si_analytics.compute import fact_checks, repeated_keys, source_checks, target_checks
from si_analytics.definitions import Check, Project, proof
from si_analytics.errors import DefinitionError

_Keys = Callable[[Project], Mapping[str, tuple[str, ...]]]
_OF_KEYS: Mapping[str, tuple[_Keys, Callable[[Project, Collection[str]], str]]] = {
    "duplicate_keys": (source_checks.keys, source_checks.duplicate_keys),
    "fact_keys": (fact_checks.keys, fact_checks.fact_keys),
}


def is_derived(check: Check) -> bool:
    """Whether a check is declared without a query."""
    return check.path.endswith(".toml")


def complete(ours: Project, check: Check) -> Check:
    """`check`, with its query, the order of its rows and the tables it reads where it is declared without.

    Raises DefinitionError where no query follows for it.
    """
    return _completed(ours, check) if is_derived(check) else check


def is_of_keys(check: Check) -> bool:
    """Whether a check is a derived one of keys that stand more than once."""
    return check.name in _OF_KEYS and is_derived(check)


def keys(ours: Project, check: Check) -> Mapping[str, tuple[str, ...]]:
    """The tables that a check of keys looks at, each with its key."""
    named, _ = _OF_KEYS[check.name]
    return named(ours)


def narrowed(connection: duckdb.DuckDBPyConnection, ours: Project, check: Check) -> Check | None:
    """`check`, without the tables in which it certainly finds nothing; None if those are all it looks at."""
    if not is_of_keys(check):
        return check
    named, text = _OF_KEYS[check.name]
    among = [table for table, key in named(ours).items() if repeated_keys.may_be(connection.table(table), key)]
    return check.model_copy(update={"text": text(ours, among)}) if among else None


@functools.lru_cache(maxsize=64)
def _completed(ours: Project, check: Check) -> Check:
    name, published = check.name, tuple(ours.targets.values())
    follows: dict[str, tuple[Callable[[], str], tuple[str, ...]]] = {
        "metric_keys": (lambda: target_checks.metric_keys(published), target_checks.ORDER_OF_KEYS),
        "values_too_large": (
            lambda: target_checks.values_too_large(published, ours.tables),
            target_checks.ORDER_OF_LIMITS,
        ),
        "values_nearly_too_large": (
            lambda: target_checks.values_nearly_too_large(published, ours.tables),
            target_checks.ORDER_OF_LIMITS,
        ),
        "duplicate_keys": (lambda: source_checks.duplicate_keys(ours), source_checks.ORDER_OF_KEYS),
        "fact_keys": (lambda: fact_checks.fact_keys(ours), fact_checks.ORDER_OF_KEYS),
        "infinite_times": (lambda: source_checks.infinite_times(ours), source_checks.ORDER_OF_TIMES),
        "times_before_2000": (lambda: source_checks.times_before_2000(ours), source_checks.ORDER_OF_TIMES),
    }
    if name not in follows:
        remedy = f"Give it one, in a file sql/checks/{name}.sql"
        raise DefinitionError(check.path, "it has no query, and none follows for it", remedy)
    text, order = follows[name]
    found = check.model_copy(update={"text": text(), "order": ", ".join(order)})
    return found.model_copy(update={"inputs": tuple(sorted(proof.tables_read(found)))})
