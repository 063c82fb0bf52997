"""Random numbers that are the same everywhere: one stream per table, all from one seed.

Belongs here: drawing numbers, choices, waiting times and identifiers.

The same seed must give the same rows on any machine and with any later numpy. So we use only PCG64's
raw output, which numpy promises to keep, and only arithmetic that IEEE 754 rounds the same way
everywhere: + - * / and the square root. Logarithms and powers differ in the last bit between
processors, so shapes that need them are tables of quantiles, written out below.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from si_analytics.sample import columns

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_AT = np.array([0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0])
# exp(z) at those quantiles of the standard normal: a log-normal shape with median 1 and a long tail.
_LOGNORMAL = np.array(
    [0.03, 0.0977, 0.193, 0.2776, 0.431, 0.5919, 0.7762, 1.0, 1.2883, 1.6895, 2.3202, 3.6022, 5.1802, 10.24, 21.98, 40]
)


class Stream:
    """The random numbers of one table. Streams share none, so tables do not affect each other."""

    def __init__(self, seed: int, table: str) -> None:
        key = zlib.crc32(table.encode())
        self._bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(key,)))

    def raw(self, count: int) -> NDArray[np.uint64]:
        """`count` raw numbers of 64 bits."""
        drawn: Any = self._bits.random_raw(count)
        return np.asarray(drawn, dtype=np.uint64)

    def uniform(self, count: int) -> Floats:
        """`count` numbers in [0, 1), evenly spread."""
        return (self.raw(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def chance(self, count: int, probability: float | Floats) -> Bools:
        """For each of `count`, True with the given probability."""
        return self.uniform(count) < probability

    def between(self, count: int, low: int | Ints, high: int | Ints) -> Ints:
        """Whole numbers from `low` up to, not including, `high`."""
        span = np.asarray(high, dtype=np.int64) - low
        return low + np.floor(self.uniform(count) * span).astype(np.int64)

    def pick(self, count: int, weights: Sequence[float] | Floats) -> Ints:
        """Positions in `weights`, each as often as its weight says."""
        total = np.cumsum(np.asarray(weights, dtype=np.float64))
        return self.pick_before(total, np.full(count, len(total)))

    def pick_before(self, running: Floats, ends: Ints) -> Ints:
        """For each end, a position below it; `running` is the running total of the weights.

        -1 if nothing before the end has any weight.
        """
        totals = np.concatenate(([0.0], running))[ends]
        found = np.searchsorted(running, self.uniform(len(ends)) * totals, side="right")
        return np.where(totals > 0, np.minimum(found, ends - 1), -1).astype(np.int64)

    def order(self, count: int) -> Ints:
        """The positions 0 to `count` - 1 in random order."""
        return np.argsort(self.raw(count), kind="stable").astype(np.int64)

    def spread(self, count: int, *, narrow: bool = False) -> Floats:
        """Factors around a median of 1 with a long right tail; `narrow` halves the spread on the log scale."""
        drawn = self.uniform(count)
        cell = np.searchsorted(_AT, drawn, side="right") - 1
        share = (drawn - _AT[cell]) / (_AT[cell + 1] - _AT[cell])
        factors = _LOGNORMAL[cell] + share * (_LOGNORMAL[cell + 1] - _LOGNORMAL[cell])
        shaped: Floats = np.sqrt(factors) if narrow else factors
        return shaped

    def wait(self, count: int, median: float | Floats, *, narrow: bool = False) -> Ints:
        """Waiting times in microseconds around `median` (microseconds), never zero."""
        return np.floor(self.spread(count, narrow=narrow) * median).astype(np.int64) + 1

    def power_law(self, count: int, *, top: float = 5000.0) -> Floats:
        """Weights, few large and most small (Pareto, exponent 1), at most `top`."""
        return 1.0 / np.maximum(self.uniform(count), 1.0 / top)

    def bell(self, count: int) -> Floats:
        """Numbers around 0 with standard deviation 1: the sum of four uniform ones, scaled."""
        total = self.uniform(count) + self.uniform(count) + self.uniform(count) + self.uniform(count)
        centred: Floats = (total - 2.0) * 1.7320508075688772  # the square root of 3
        return centred

    def ids(self, count: int) -> pl.Series:
        """Identifiers shaped like version 4 UUIDs."""
        return columns.uuids(self.raw(2 * count))

    def words(self, count: int, vocabulary: Sequence[str | None], weights: Sequence[float] | None = None) -> pl.Series:
        """For each of `count`, one word of the vocabulary."""
        chosen = self.pick(count, weights if weights is not None else [1.0] * len(vocabulary))
        return columns.lookup(chosen, vocabulary)

    def sets(self, count: int, vocabulary: Sequence[str], most: int, *, least: int = 1) -> pl.Series:
        """Lists of `least` to `most` different words of the vocabulary, in its order from a random start."""
        start = self.between(count, 0, len(vocabulary))
        sizes = self.between(count, least, most + 1)
        return columns.runs(start, sizes, vocabulary)
