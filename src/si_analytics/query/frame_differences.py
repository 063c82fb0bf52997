"""Compares two tables row by row: which rows were added, removed or changed, in which cells and by how much.

Belongs here: comparing frames, whatever they hold. Exact: numbers stay decimals, and nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

import polars as pl

from si_analytics.errors import UsageError

_OCCURRENCE = "which of those alike"
_BEFORE, _AFTER = "in A: ", "in B: "
_HAS_BEFORE, _HAS_AFTER = "is in A", "is in B"
_DIGITS = 38
_TIME = "%Y-%m-%dT%H:%M:%S%.6f%:z"


@dataclass(frozen=True)
class RowDifference:
    """How a metric differs: its rows in either refresh that have no equal in the other, paired by `keys`."""

    keys: tuple[str, ...]
    values: tuple[str, ...]
    paired: pl.DataFrame

    def count(self, change: str) -> int:
        """How many rows were added, removed or changed."""
        return self.paired.filter(pl.col("change") == change).height

    def cells(self) -> pl.DataFrame:
        """One row per cell that differs; an added or removed row has one for each of its cells.

        Raises UsageError if a difference, or a number with the finest decimals of all, has more than 38 digits.
        """
        numbers = [name for name in self.values if self._is_number(name)]
        scale = max((self._scale(name) for name in numbers), default=0)
        parts = [self._exact(place, name, scale) for place, name in enumerate(self.values)]
        if not parts:
            parts = [self._cells(0, None, scale)]
        return self._in_order(pl.concat(parts))

    def _exact(self, place: int, name: str, scale: int) -> pl.DataFrame:
        try:
            return self._cells(place, name, scale)
        except (pl.exceptions.ComputeError, pl.exceptions.InvalidOperationError) as error:
            raise UsageError(
                f"the differences of {name}",
                f"one has more than {_DIGITS} digits, {scale} of them decimals",
                "Open both warehouses and compare the column there, as text or as doubles",
            ) from error

    def rows(self) -> pl.DataFrame:
        """The rows that were ``added`` or ``removed``; for a changed row two: ``changed from``, ``changed to``."""
        sides = [self._rows(0, _BEFORE, "added", "changed from"), self._rows(1, _AFTER, "removed", "changed to")]
        return self._in_order(pl.concat(sides))

    def _rows(self, place: int, side: str, lacking: str, changed: str) -> pl.DataFrame:
        rows = self.paired.filter(pl.col("change") != lacking)
        return rows.select(
            pl.col("change").replace("changed", changed),
            *self.keys,
            *(pl.col(side + name).alias(name) for name in self.values),
            _OCCURRENCE,
            pl.lit(place).alias("place"),
        )

    def _in_order(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.sort(*self.keys, _OCCURRENCE, "place", nulls_last=True).drop(_OCCURRENCE, "place")

    def total(self, column: str) -> Decimal:
        """The sum of `column` in B minus that in A; only rows without an equal make the two differ."""
        with localcontext(prec=2 * _DIGITS):  # twice DuckDB's: rounds nothing, and no sum is too large
            before, after = (
                sum(map(Decimal, self.paired[side + column].drop_nulls()), Decimal()) for side in (_BEFORE, _AFTER)
            )
            return after - before

    def differing(self) -> list[str]:
        """The columns that differ in rows both have."""
        both = self.paired.filter(pl.col("change") == "changed")
        return [name for name in self.values if not both.filter(_differs(name)).is_empty()]

    def _cells(self, place: int, name: str | None, scale: int) -> pl.DataFrame:
        rows, kind = self.paired, pl.Decimal(_DIGITS, scale)
        before = after = pl.lit(None, pl.String)
        by = pl.lit(None, kind)
        if name is not None:
            rows = rows.filter((pl.col("change") != "changed") | _differs(name))
            before, after = (_text(rows, side + name) for side in (_BEFORE, _AFTER))
            if self._is_number(name):
                by = pl.col(_AFTER + name).cast(kind) - pl.col(_BEFORE + name).cast(kind)
        return rows.select(
            "change",
            *self.keys,
            pl.lit(name, pl.String).alias("column"),
            before.alias("value_a"),
            after.alias("value_b"),
            by.cast(kind).alias("difference"),
            _OCCURRENCE,
            pl.lit(place).alias("place"),
        )

    def _is_number(self, name: str) -> bool:
        kinds = [self.paired.schema[side + name] for side in (_BEFORE, _AFTER)]
        return all(kind.is_decimal() or kind.is_integer() for kind in kinds)

    def _scale(self, name: str) -> int:
        kinds = [self.paired.schema[side + name] for side in (_BEFORE, _AFTER)]
        return max(kind.scale if isinstance(kind, pl.Decimal) else 0 for kind in kinds)


def pair(before: pl.DataFrame, after: pl.DataFrame, keys: tuple[str, ...], values: Sequence[str]) -> RowDifference:
    """Pair the rows of one key, in their order if there are several; leave out what is equal."""
    frames = [
        frame.sort(*keys, *values)
        .with_columns(pl.int_range(pl.len()).over(keys).alias(_OCCURRENCE), pl.lit(True).alias(has))
        .rename({name: side + name for name in values})
        for frame, side, has in ((before, _BEFORE, _HAS_BEFORE), (after, _AFTER, _HAS_AFTER))
    ]
    joined = frames[0].join(frames[1], on=[*keys, _OCCURRENCE], how="full", coalesce=True, nulls_equal=True)
    change = (
        pl.when(pl.col(_HAS_BEFORE).is_null())
        .then(pl.lit("added"))
        .when(pl.col(_HAS_AFTER).is_null())
        .then(pl.lit("removed"))
        .otherwise(pl.lit("changed"))
    )
    paired = joined.with_columns(change.alias("change"))
    unequal = pl.any_horizontal(pl.col("change") != "changed", *map(_differs, values))
    return RowDifference(keys, tuple(values), paired.filter(unequal))


def _differs(name: str) -> pl.Expr:
    return pl.col(_BEFORE + name).ne_missing(pl.col(_AFTER + name))


def _text(frame: pl.DataFrame, name: str) -> pl.Expr:
    """A column as text: times in ISO 8601, numbers with all their decimals."""
    if isinstance(frame.schema[name], pl.Datetime):
        return pl.col(name).dt.strftime(_TIME)
    return pl.col(name).cast(pl.String)
