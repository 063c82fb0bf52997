"""Statistics that SQL has no words for: the columns of a metric that a library completes.

Belongs here: the functions a metric's header may name under `Statistics`. Each takes the metric's rows
and fills columns that the query left null; it adds, drops and reorders nothing.
May import: `errors`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Any

import duckdb
import polars as pl

from si_analytics.errors import UnknownNameError

_CONFIDENCE = 0.95
_SIX_PLACES = Decimal("0.000001")

Counts = tuple[int, int]
"""How many accepted, of how many."""


def complete(
    connection: duckdb.DuckDBPyConnection, name: str, rows: duckdb.DuckDBPyRelation
) -> duckdb.DuckDBPyRelation:
    """`rows` with what the function `name` fills in, in their order and of their types."""
    if name not in FUNCTIONS:
        raise UnknownNameError(
            f"statistics '{name}'", "there are none of that name", f"There are: {', '.join(FUNCTIONS)}"
        )
    filled = connection.from_arrow(FUNCTIONS[name](rows.pl()).to_arrow())
    return filled.select(
        *(
            duckdb.ColumnExpression(column).cast(kind).alias(column)
            for column, kind in zip(rows.columns, rows.types, strict=True)
        )
    )


def reads(name: str) -> Mapping[str, tuple[str, ...]]:
    """Per column that the function `name` fills in, the columns it reckons with."""
    return _READS[name]


def two_proportions(rows: pl.DataFrame) -> pl.DataFrame:
    """Fill wilson_low and wilson_high of each row, and p_value of A against B on both rows of an experiment.

    An experiment is told by the columns left of ``variant``; each has a row A and a row B, with the
    counts ``accepted`` and ``sent``.
    """
    keys = rows.columns[: rows.columns.index("variant")]
    experiments: dict[tuple[Any, ...], dict[str, Counts]] = {}
    order = []
    for *key, variant, accepted, sent in rows.select(*keys, "variant", "accepted", "sent").iter_rows():
        experiments.setdefault(tuple(key), {})[variant] = (accepted, sent)
        order.append((tuple(key), (accepted, sent)))
    intervals = [wilson_interval(*counts) for _, counts in order]
    figures: dict[str, list[Decimal | None]] = {
        "wilson_low": [low for low, _ in intervals],
        "wilson_high": [high for _, high in intervals],
        "p_value": [p_value(experiments[key]["A"], experiments[key]["B"]) for key, _ in order],
    }
    return rows.with_columns(pl.Series(name, values, dtype=rows.schema[name]) for name, values in figures.items())


@functools.lru_cache(maxsize=10_000)
def wilson_interval(accepted: int, sent: int) -> tuple[Decimal, Decimal]:
    """Wilson's 95 % interval of a share, without continuity correction, to six places.

    >>> wilson_interval(209, 259)
    (Decimal('0.754538'), Decimal('0.850390'))
    """
    from scipy import stats

    interval = stats.binomtest(accepted, sent).proportion_ci(_CONFIDENCE, method="wilson")
    return _rounded(interval.low), _rounded(interval.high)


@functools.lru_cache(maxsize=10_000)
def p_value(first: Counts, second: Counts) -> Decimal | None:
    """Two-sided p of the pooled two-proportion z-test, to six places; none where nobody or everybody accepted.

    That test's z, squared, is Pearson's chi-squared of the table of accepted and not accepted.

    >>> p_value((5, 83), (12, 99))
    Decimal('0.159181')
    """
    from scipy import stats

    table = [[accepted, sent - accepted] for accepted, sent in (first, second)]
    if not all(map(sum, zip(*table, strict=True))):
        return None
    return _rounded(stats.chi2_contingency(table, correction=False).pvalue)


def _rounded(value: float) -> Decimal:
    return Decimal(float(value)).quantize(_SIX_PLACES, ROUND_HALF_UP)


FUNCTIONS: Mapping[str, Callable[[pl.DataFrame], pl.DataFrame]] = MappingProxyType({"two_proportions": two_proportions})
"""What a header may name under `Statistics`."""

_READS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"two_proportions": dict.fromkeys(("wilson_low", "wilson_high", "p_value"), ("accepted", "sent"))}
)
