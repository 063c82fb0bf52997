"""Statistics that SQL cannot express: the columns of a metric that a library completes.

Belongs here: the functions a metric may name under `statistics`. Each takes the metric's rows
and fills columns that the query left null; it adds, drops and reorders nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl

from si_analytics.errors import DefinitionError, UnknownNameError

_CONFIDENCE = 0.95
_SIX_PLACES = Decimal("0.000001")
_SHARE = pl.Decimal(38, 6)

_COUNTS = ("accepted_A", "sent_A", "accepted_B", "sent_B")

_Counts = npt.NDArray[np.int64]
_Figures = npt.NDArray[np.float64]


def complete(
    connection: duckdb.DuckDBPyConnection, name: str, rows: duckdb.DuckDBPyRelation
) -> duckdb.DuckDBPyRelation:
    """`rows` with the columns that the function `name` fills in; order and types stay."""
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
    """Per column that the function `name` fills in: the columns it uses."""
    return _READS[name]


def two_proportions(rows: pl.DataFrame) -> pl.DataFrame:
    """Fill wilson_low and wilson_high of each row, and p_value of A against B on both rows of an experiment.

    The columns left of ``variant`` identify an experiment; each has a row A and a row B, with the
    counts ``accepted`` and ``sent``. Raises DefinitionError for rows in any other layout.
    """
    keys = rows.columns[: rows.columns.index("variant")]
    pairs = _pairs(rows, keys)
    low, high = wilson_intervals(rows["accepted"].to_numpy(), rows["sent"].to_numpy())
    compared = pairs.select(
        *keys, p_value=_decimals(p_values(*(pairs[name].to_numpy() for name in _COUNTS)), rows.schema["p_value"])
    )
    both = rows.select(keys).join(compared, on=keys, how="left", nulls_equal=True, maintain_order="left")
    figures = {
        "wilson_low": _decimals(low, rows.schema["wilson_low"]),
        "wilson_high": _decimals(high, rows.schema["wilson_high"]),
        "p_value": both["p_value"],
    }
    return rows.with_columns(values.alias(name) for name, values in figures.items())


def _pairs(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """One row per experiment, with the counts of both its variants; raises DefinitionError if they are not pairs."""
    sides = [
        rows.filter(pl.col("variant") == variant).select(
            *keys, pl.col("accepted").alias(f"accepted_{variant}"), pl.col("sent").alias(f"sent_{variant}")
        )
        for variant in ("A", "B")
    ]
    pairs = sides[0].join(sides[1], on=keys, how="inner", nulls_equal=True)
    if not 2 * pairs.select(keys).n_unique() == 2 * pairs.height == rows.height:
        raise DefinitionError(
            "the statistics 'two_proportions'",
            f"{rows.height:,} rows make {pairs.height:,} pairs of an A and a B",
            f"Give each {', '.join(keys)} one row whose variant is A and one whose variant is B",
        )
    return pairs


def wilson_interval(accepted: int, sent: int) -> tuple[Decimal, Decimal]:
    """Wilson's 95 % interval of a share, without continuity correction, to six places.

    >>> wilson_interval(209, 259)
    (Decimal('0.754538'), Decimal('0.850390'))
    """
    low, high = wilson_intervals(np.array([accepted]), np.array([sent]))
    return _rounded(low[0]), _rounded(high[0])


def wilson_intervals(accepted: _Counts, sent: _Counts) -> tuple[_Figures, _Figures]:
    """Both ends of Wilson's 95 % interval of each share: the lower is 0 if nobody accepted, the upper 1 if all did."""
    from scipy import special

    share, z = accepted / sent, special.ndtri(0.5 + _CONFIDENCE / 2)
    whole = 2 * (sent + z**2)
    centre = (2 * accepted + z**2) / whole
    reach = z * np.sqrt(4 * accepted * (1 - share) + z**2) / whole
    return np.where(accepted == 0, 0.0, centre - reach), np.where(accepted == sent, 1.0, centre + reach)


def p_value(first: tuple[int, int], second: tuple[int, int]) -> Decimal | None:
    """`p_values` of one pair, each how many accepted of how many; None if nobody or everybody accepted.

    >>> p_value((5, 83), (12, 99))
    Decimal('0.159181')
    """
    (found,) = p_values(*(np.array([count]) for count in (*first, *second)))
    return None if np.isnan(found) else _rounded(found)


def p_values(accepted_a: _Counts, sent_a: _Counts, accepted_b: _Counts, sent_b: _Counts) -> _Figures:
    """Two-sided p of the pooled two-proportion z-test of each pair; NaN if nobody or everybody accepted.

    The square of that test's z is Pearson's chi-squared of the table of accepted and not accepted.
    """
    from scipy import special

    accepted, sent = accepted_a + accepted_b, (sent_a + sent_b).astype(float)
    squared = (accepted_a * sent_b - accepted_b * sent_a).astype(float) ** 2 * sent
    spread = accepted.astype(float) * (sent - accepted) * sent_a * sent_b
    known = spread > 0
    chi_squared = np.divide(squared, spread, out=np.full(len(sent), np.nan), where=known)
    return np.asarray(special.chdtrc(1, chi_squared))


def with_intervals(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of funnels with Wilson's interval of each conversion from the start; null where nobody entered.

    The first stage is reached by all: its share is certain, and its interval what so few units tell of it.
    """
    keys = ["funnel", "breakdown_value"]
    entered = rows.select(pl.col("reached").first().over(keys))["reached"].to_numpy().astype(float)
    known = entered > 0
    low, high = (np.full(rows.height, np.nan) for _ in range(2))
    low[known], high[known] = wilson_intervals(rows["reached"].to_numpy()[known], entered[known])
    return rows.with_columns(conversion_low=_decimals(low, _SHARE), conversion_high=_decimals(high, _SHARE))


def pairwise(rows: pl.DataFrame, stage: int) -> pl.DataFrame:
    """One row per pair of breakdown values: the pooled two-proportion z-test of how many reached that stage.

    ``p_corrected`` controls how many of the differences that are called significant are none (Benjamini and Hochberg),
    over all pairs that could be tested; both are null where nobody or everybody of a pair got there.
    """
    at = rows.filter(pl.col("stage_number") == stage).select("breakdown_value", "reached")
    entered = rows.filter(pl.col("stage_number") == 1).select("breakdown_value", entered="reached")
    values = at.join(entered, on="breakdown_value", maintain_order="left").with_row_index("place")
    pairs = (
        values.join(values, how="cross", suffix="_b")
        .filter(pl.col("place") < pl.col("place_b"))
        .sort("place", "place_b")
    )
    counts = [pairs[name].to_numpy() for name in ("reached", "entered", "reached_b", "entered_b")]
    p = p_values(*counts) if pairs.height else np.empty(0)
    corrected = _corrected(p)
    shares = {
        side: [_ratio(*row) for row in pairs.select(f"reached{after}", f"entered{after}").iter_rows()]
        for side, after in (("conversion_a", ""), ("conversion_b", "_b"))
    }
    apart = [_ratio(b * n - a * m, n * m) for a, n, b, m in zip(*(column.tolist() for column in counts), strict=True)]
    head = rows.filter(pl.col("stage_number") == stage).select("funnel", "breakdown", "stage").unique()
    found = pairs.select(
        value_a="breakdown_value",
        value_b="breakdown_value_b",
        reached_a="reached",
        entered_a="entered",
        reached_b="reached_b",
        entered_b="entered_b",
    ).with_columns(
        *(pl.Series(name, each, dtype=_SHARE) for name, each in shares.items()),
        pl.Series("difference", apart, dtype=_SHARE),
        p_value=_decimals(p, _SHARE),
        p_corrected=_decimals(corrected, _SHARE),
        significant=pl.Series(np.nan_to_num(corrected, nan=1.0) < 1 - _CONFIDENCE),
    )
    return head.join(found, how="cross")


def _corrected(p: _Figures) -> _Figures:
    """The p-values corrected for how many there are; NaN stays."""
    from scipy import stats

    found, known = np.full(len(p), np.nan), ~np.isnan(p)
    if known.any():
        found[known] = stats.false_discovery_control(p[known])
    return found


def _ratio(part: int, whole: int) -> Decimal:
    """A ratio to six places, half away from zero, exactly."""
    sign, twice = (-1 if part < 0 else 1), 2 * abs(part) * 10**6
    return Decimal(sign * ((twice + whole) // (2 * whole))).scaleb(-6)


def _decimals(figures: _Figures, kind: pl.DataType) -> pl.Series:
    """The figures to six places, exactly; null for NaN."""
    distinct, places = np.unique(figures, return_inverse=True)
    made = pl.Series([None if np.isnan(one) else _rounded(one) for one in distinct], dtype=kind)
    return made.gather(places)


def _rounded(value: float) -> Decimal:
    return Decimal(float(value)).quantize(_SIX_PLACES, ROUND_HALF_UP)


FUNCTIONS: Mapping[str, Callable[[pl.DataFrame], pl.DataFrame]] = MappingProxyType({"two_proportions": two_proportions})
"""What a metric may name under `statistics`."""

_READS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"two_proportions": dict.fromkeys(("wilson_low", "wilson_high", "p_value"), ("accepted", "sent"))}
)
