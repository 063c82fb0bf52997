"""What a frame of measures holds: the groupings of its rows, the measures in its columns, and for which time.

Belongs here: `MeasureFrame`, a polars frame that knows its units. It decides only whether a notebook shows it as a
table of its own or as polars shows any frame; how a figure is written and drawn is up to the tables and charts.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import polars as pl

_PARTS = ("groupings", "figures", "currency", "tz", "since", "until", "compared")
# Verbs of polars that choose or order rows: what is known of the columns stays true.
_ROWS_ONLY = ("filter", "sort", "head", "tail", "limit", "slice", "reverse", "clone", "top_k", "bottom_k", "sample")
CELL, OTHERS, TOTAL = "cell", "others", "total"


@dataclass(frozen=True)
class Grouping:
    """One column that rows are grouped by.

    A calendar's `unit` is day, week, month, quarter or year; a number's is hour (0 to 23) or weekday (1, Monday, to 7).
    """

    name: str
    kind: Literal["text", "calendar", "number"]
    unit: str = ""


@dataclass(frozen=True)
class Figure:
    """One measure: its column, its unit and decimal places, what it means, whether its parts add up to the whole."""

    name: str
    unit: str
    places: int
    meaning: str
    additive: bool


class MeasureFrame(pl.DataFrame):
    """A polars frame of measures that a notebook shows with units, readable numbers and totals.

    Verbs that only choose or order rows keep what is known of the columns; those that make other columns return an
    ordinary frame. `since` is inclusive and `until` exclusive; `compared` says which period the columns NAME_before
    are of.
    """

    groupings: tuple[Grouping, ...] = ()
    figures: tuple[Figure, ...] = ()
    currency: str = ""
    tz: str = "UTC"
    since: datetime | None = None
    until: datetime | None = None
    compared: Literal["previous", "year"] | None = None

    @classmethod
    def of(
        cls,
        frame: pl.DataFrame,
        *,
        groupings: tuple[Grouping, ...],
        figures: tuple[Figure, ...],
        currency: str,
        tz: str,
        since: datetime | None,
        until: datetime | None,
        compared: Literal["previous", "year"] | None,
    ) -> MeasureFrame:
        """Returns the frame with what is known of it.

        >>> deals = Figure("deals", "deals", 0, "deals made", additive=True)
        >>> made = MeasureFrame.of(pl.DataFrame({"deals": [3]}), groupings=(), figures=(deals,), currency="usd",
        ...                        tz="UTC", since=None, until=None, compared=None)
        >>> made.head(1).figures[0].unit
        'deals'
        """
        made = cls(frame)
        made.groupings, made.figures, made.currency, made.tz = groupings, figures, currency, tz
        made.since, made.until, made.compared = since, until, compared
        return made

    @classmethod
    def _from_pydf(cls, py_df: Any) -> pl.DataFrame:
        """What polars derives from this frame is an ordinary frame, unless the verb is one of rows only."""
        return pl.DataFrame._from_pydf(py_df)

    def __copy__(self) -> pl.DataFrame:
        return self.clone()

    def __deepcopy__(self, memo: None = None) -> pl.DataFrame:
        return self.clone()

    def __reduce__(self) -> tuple[Callable[..., MeasureFrame], tuple[Any, ...]]:
        return _restored, (pl.DataFrame(self), {part: getattr(self, part) for part in _PARTS})

    @property
    def expected(self) -> list[str]:
        """The columns that the frame must hold to be shown as measures."""
        return [*(one.name for one in self.groupings), *(one.name for one in self.figures)]

    def _repr_html_(self, *, _from_series: bool = False) -> str:
        """Returns the frame as a notebook shows it: a table with units; polars' own display if columns were changed."""
        if not self.figures or any(name not in self.columns for name in self.expected):
            return super()._repr_html_(_from_series=_from_series)
        # By name, when first shown: tables stand above this module, and take a second to load.
        shown: str = importlib.import_module("si_analytics.tables").measure(self)._repr_html_()
        return shown


def _restored(frame: pl.DataFrame, parts: dict[str, Any]) -> MeasureFrame:
    return MeasureFrame.of(frame, **parts)


def _keeping(name: str) -> Callable[..., pl.DataFrame]:
    verb = getattr(pl.DataFrame, name)

    def kept(self: MeasureFrame, *args: Any, **kwargs: Any) -> MeasureFrame:
        return MeasureFrame.of(verb(self, *args, **kwargs), **{part: getattr(self, part) for part in _PARTS})

    kept.__name__, kept.__doc__ = name, verb.__doc__
    return kept


for _name in _ROWS_ONLY:
    setattr(MeasureFrame, _name, _keeping(_name))
