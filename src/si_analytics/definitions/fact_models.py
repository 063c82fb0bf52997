"""What a fact, a dimension and a measure declare, field by field.

Belongs here: the fields of ``sql/facts`` and ``sql/dimensions``, and what they may hold. How a measure is worked out
is read in `expressions`.
"""

from __future__ import annotations

import difflib
import graphlib
from collections.abc import Collection
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from si_analytics.definitions.expressions import Formula, formula
from si_analytics.definitions.models import Columns, Frozen, MetricColumn, Query, Text, Texts
from si_analytics.errors import DefinitionError

CALENDAR = ("day", "week", "month", "quarter", "year")
"""The calendar dimensions that are dates: the first day of the period."""

CLOCK = ("hour", "weekday")
"""The calendar dimensions that are numbers: the hour, 0 to 23, and the day of the week, 1 (Monday) to 7."""

PLACES = {
    **{"usd": 2, "reporting currency": 2, "points": 2, "tokens": 8},
    **{"ratio": 6, "percent": 2, "days": 2, "hours": 2, "stars": 1},
}
"""The decimal places of a measure, by its unit. Every other unit counts whole things, or is a time."""

SCALES = {"usd": 2, "reporting currency": 2, "points": 2, "tokens": 8, "stars": 1}
"""The decimal places of a column of a fact, by its unit; a column of another unit is a whole number."""

LIST = "list"
"""The unit of a column that holds several values."""

MONTH_OF = "month of "
"""How the unit of a column begins that is the month of a time."""


class Link(Frozen):
    """A way from a fact or dimension to a dimension: its name, the dimension, the column that holds its key."""

    name: str
    dimension: str
    column: str


def _links(value: Any) -> Any:
    """``agent = "to_user_id"`` or ``payer = ["user", "from_user_id"]``."""
    if not isinstance(value, dict):
        return value
    found = []
    for name, said in value.items():
        parts = [name, said] if isinstance(said, str) else said
        if not isinstance(parts, list | tuple) or len(parts) != 2:
            raise ValueError(f'{name} is neither "column" nor ["dimension", "column"]')
        found.append({"name": name, "dimension": parts[0], "column": parts[1]})
    return found


def _measures(value: Any) -> Any:
    """``name = ["unit", "what is worked out", "meaning"]``."""
    if not isinstance(value, dict):
        return value
    found = []
    for name, said in value.items():
        if not isinstance(said, list | tuple) or len(said) != 3:
            raise ValueError(f'{name} is not ["unit", "what is worked out", "meaning"]')
        unit, _, any_currency = said[0].partition(", ")
        if any_currency not in {"", "any currency"}:
            raise ValueError(f"{name}: after the unit stands {any_currency}, where only any currency may stand")
        shared = {"name": name, "unit": unit, "any_currency": bool(any_currency)}
        found.append({**shared, "written": said[1], "meaning": said[2]})
    return found


def _stages(value: Any) -> Any:
    """``name = ["time", "meaning"]`` or ``name = ["flag", "time", "meaning"]``; the time of a status alone is empty."""
    if not isinstance(value, dict):
        return value
    found = []
    for name, said in value.items():
        if not isinstance(said, list | tuple) or len(said) not in {2, 3}:
            raise ValueError(f'{name} is neither ["time", "meaning"] nor ["flag", "time", "meaning"]')
        flag, time, meaning = said if len(said) == 3 else ("", *said)
        if not flag and not time:
            raise ValueError(f"{name} names no column: give its time, or its flag")
        found.append({"name": name, "flag": flag, "time": time, "meaning": meaning})
    return found


class Stage(Frozen):
    """A stage of a funnel: the column that says whether a unit reached it on its own, the column that says when.

    One without a ``flag`` rests on its time alone; one without a ``time`` on a status alone.
    """

    name: str
    flag: str = ""
    time: str = ""
    meaning: Text


class Measure(Frozen):
    """A number over facts: its unit, what it is worked out from, what it says.

    ``fact`` is whose rows it is of; empty for one that is made of other measures. One of ``any_currency`` looks at the
    facts of all currencies.
    """

    name: str
    unit: Text
    written: Text
    meaning: Text
    fact: str = ""
    any_currency: bool = False

    @property
    def formula(self) -> Formula:
        """What it is worked out from; raises ValueError where that is not understood."""
        return formula(self.written)

    @property
    def places(self) -> int:
        """The decimal places it is rounded to."""
        return PLACES.get(self.unit, 0)

    @property
    def is_time(self) -> bool:
        """Whether it is a moment rather than a number."""
        return self.unit == "time"

    @property
    def is_additive(self) -> bool:
        """Whether the numbers of two groups without a fact in common add up to that of both."""
        return self.formula.is_additive


Links = Annotated[tuple[Link, ...], BeforeValidator(_links)]
Measures = Annotated[tuple[Measure, ...], BeforeValidator(_measures)]
Stages = Annotated[tuple[Stage, ...], BeforeValidator(_stages)]


class _WithColumns(Query):
    """A query whose columns are declared one by one.

    ``unit`` is the column of the first of its inputs, and its own column of the same value, by which rows are worked
    out together; ``stands_on`` says which rows of the other inputs they need. Read in `units`.
    """

    columns: Columns
    links: Links = ()
    unit: dict[str, str] = Field(default_factory=dict)
    stands_on: dict[str, Texts] = Field(default_factory=dict)

    @property
    def base(self) -> str:
        """The source whose rows its own come from: the first that it reads."""
        return self.inputs[0].removeprefix("raw.") if self.inputs else ""

    @property
    def selected(self) -> tuple[str, ...]:
        """The columns of the query: without those that are months of its times."""
        return tuple(column.name for column in self.columns if not column.unit.startswith(MONTH_OF))

    @property
    def attributes(self) -> tuple[MetricColumn, ...]:
        """The columns that its rows can be grouped by: texts and flags, no keys, times and amounts."""
        linked = {link.column for link in self.links}
        return tuple(
            column
            for column in self.columns
            if (column.unit in {"", LIST} or column.unit.startswith(MONTH_OF))
            and not column.name.endswith("_id")
            and column.name not in linked
        )

    def column(self, name: str) -> MetricColumn:
        """The column of that name; raises KeyError where there is none."""
        return {column.name: column for column in self.columns}[name]

    @model_validator(mode="after")
    def _has_one_unit(self) -> _WithColumns:
        if len(self.unit) > 1:
            raise ValueError('unit names several columns: write one, like { id = "deal_id" }')
        if self.stands_on and not self.unit:
            raise ValueError("stands_on says what units need, and there is no unit")
        self._require("unit", tuple(self.unit.values()))
        return self

    def _require(self, field: str, names: tuple[str, ...]) -> None:
        known = [column.name for column in self.columns]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ValueError(f"{field} names {', '.join(unknown)}, which columns does not: {', '.join(known)}")


class Dimension(_WithColumns):
    """What facts are grouped by, and whose rows a target has: one row per agent, brand, contact, template, user.

    A column of the unit ``month of X`` is no column of the query: it is the month of its time X, in the zone asked for.
    """

    topic: Text | None = None
    key: Text

    @model_validator(mode="after")
    def _names_its_columns(self) -> Dimension:
        self._require("key", (self.key,))
        self._require("links", tuple(link.column for link in self.links))
        return self


class Fact(_WithColumns):
    """One row per thing counted: its key, when it happened, whom and what it belongs to, its measures.

    ``row`` is the operational table and the column that holds its key. ``timeless`` says what a row without a time is:
    ``always`` is one that counts wherever no beginning is asked for. ``known`` is a second time that has to lie before
    the end of a window. ``currency`` is the column that says which currency the row's money is in.

    One that is the units of a ``funnel`` has ``stages``, the first of them its time; ``breakdowns`` are short names of
    what the units are often grouped by: a path, or a column.
    """

    topic: Text | None = None
    key: Texts
    time: str
    timeless: str = ""
    known: str | None = None
    currency: str | None = None
    row: dict[str, str] = Field(default_factory=dict)
    measures: Measures = ()
    funnel: Text | None = None
    stages: Stages = ()
    breakdowns: dict[str, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_its_columns(self) -> Fact:
        for field in ("key", "time", "known", "currency"):
            said = getattr(self, field)
            self._require(field, said if isinstance(said, tuple) else (said,) if said else ())
        self._require("links", tuple(link.column for link in self.links))
        self._require("row", tuple(self.row.values()))
        return self

    @model_validator(mode="after")
    def _has_stages_where_it_is_a_funnel(self) -> Fact:
        if (self.funnel is None) != (not self.stages):
            raise ValueError("funnel and stages belong together: give both, or neither")
        for stage in self.stages:
            self._require(f"stages.{stage.name}", tuple(filter(None, (stage.flag, stage.time))))
        if self.stages and (self.stages[0].flag, self.stages[0].time) != ("", self.time):
            raise ValueError(f"the first of the stages is not at {self.time}, the time of a unit")
        if self.stages and (len(self.stages) < 2 or len(self.key) != 1):
            raise ValueError("a funnel has units of one key and two stages or more")
        return self

    @property
    def kind(self) -> str:
        """``funnel`` where its rows are the units of one, else ``fact``."""
        return "funnel" if self.funnel else "fact"

    def require_measures(self) -> None:
        """Raise DefinitionError where a measure is not understood, or names a column that the fact does not have."""
        names = [column.name for column in self.columns]
        for measure in self.measures:
            found = understood(self.path, measure)
            if found.measures:
                made_of = (
                    f"measures.{measure.name} is {found.text}, which names {found.measures[0]} outside an aggregate"
                )
                remedy = "Aggregate a column, or put a measure of measures into sql/facts/ratios.toml"
                raise DefinitionError(self.path, made_of, remedy)
            unknown = [name for name in found.columns if name not in names]
            if unknown:
                near = difflib.get_close_matches(unknown[0], names, n=1)
                hint = f"Did you mean {near[0]}? " if near else ""
                named = f"measures.{measure.name} names {unknown[0]}, which columns does not"
                raise DefinitionError(self.path, named, f"{hint}There are: {', '.join(names)}")


def understood(path: str, measure: Measure) -> Formula:
    """What a measure of that file is worked out from; raises DefinitionError where it is not understood."""
    try:
        return measure.formula
    except ValueError as error:
        reason, _, remedy = str(error).partition("; ")
        found = f"measures.{measure.name}: {reason}"
        raise DefinitionError(path, found, f"{remedy[:1].upper()}{remedy[1:]}") from error


class Ratios(Query):
    """Measures made of measures: each side is worked out of its own facts before they meet."""

    grain: Text = "one measure of measures per entry"
    measures: Measures

    def require_measures(self, known: Collection[str]) -> None:
        """Raise DefinitionError where one is not made of `known` measures alone, or is made of itself."""
        made_of: dict[str, tuple[str, ...]] = {}
        for measure in self.measures:
            found = understood(self.path, measure)
            if found.aggregates:
                aggregated = f"measures.{measure.name} is {found.text}, which aggregates columns of no fact"
                raise DefinitionError(self.path, aggregated, "Let the fact declare that measure, and name it here")
            for name in found.measures:
                if name not in known:
                    near = difflib.get_close_matches(name, known, n=1)
                    hint = f"Did you mean {near[0]}? " if near else ""
                    unknown = f"measures.{measure.name} names {name}, which is no measure"
                    raise DefinitionError(self.path, unknown, f"{hint}There are: {', '.join(sorted(known))}")
            made_of[measure.name] = found.measures
        try:
            graphlib.TopologicalSorter(made_of).prepare()
        except graphlib.CycleError as error:
            circle = " is made of ".join(reversed(error.args[1]))
            raise DefinitionError(self.path, f"measures.{circle}", "Let one of them name measures of facts") from error
