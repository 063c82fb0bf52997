"""What each kind of file under ``sql/`` declares, field by field.

Belongs here: the fields of a source, metric, funnel, check, explanation, query and script, and what they may hold.
An unknown field is an error. Objects do not change once they are made.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from si_analytics.definitions import parameters

MONEY = "reporting currency"
"""The unit of money in a metric."""

_TABLE = re.compile(r"[a-z][a-z0-9_]{0,62}")


def _one_line(value: Any) -> Any:
    """A text may be broken over several lines."""
    return " ".join(value.split()) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_one_line), StringConstraints(min_length=1)]


class Frozen(BaseModel):
    """A piece of a declaration: it is not changed, and knows its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MetricColumn(Frozen):
    """A column of a query: its name, its unit (empty where it has none), what it says."""

    name: str
    unit: str = ""
    meaning: Text


class Parameter(Frozen):
    """A parameter of a query, without its dollar sign, and what it may be."""

    name: str
    meaning: Text


def _listed(value: Any) -> Any:
    """One text stands for a list of one."""
    return (value,) if isinstance(value, str) else value


def _columns(value: Any) -> Any:
    """``name = "meaning"`` or ``name = ["unit", "meaning"]``."""
    if not isinstance(value, dict):
        return value
    found = []
    for name, said in value.items():
        parts = _listed(said)
        if not isinstance(parts, list | tuple) or not 1 <= len(parts) <= 2:
            raise ValueError(f'{name} is neither "meaning" nor ["unit", "meaning"]')
        found.append({"name": name, "unit": parts[0] if len(parts) == 2 else "", "meaning": parts[-1]})
    return found


def _meanings(value: Any) -> Any:
    """``name = "meaning"``."""
    return [{"name": name, "meaning": said} for name, said in value.items()] if isinstance(value, dict) else value


Texts = Annotated[tuple[Text, ...], BeforeValidator(_listed)]
Columns = Annotated[tuple[MetricColumn, ...], BeforeValidator(_columns)]
Parameters = Annotated[tuple[Parameter, ...], BeforeValidator(_meanings)]


class Declaration(Frozen):
    """One file under ``sql/``: where it is, its text, the sentence and the prose it opens with."""

    name: str
    path: str
    text: str = Field(repr=False)
    summary: str
    description: str = ""


class Query(Declaration):
    """A query: what a row of it is, which tables it reads, what it is asked with, how its rows are ordered.

    Its own parameters are declared in the file; the others follow from the query.
    """

    grain: Text
    inputs: Texts = ()
    own_params: Parameters = Field((), alias="params")
    order: str = ""
    units: Text | None = None

    @property
    def params(self) -> tuple[Parameter, ...]:
        """What it is asked with: the parameters of its own, then those of `parameters.PARAMETERS` that it binds."""
        own = {one.name for one in self.own_params}
        shared = (name for name in parameters.bound(self.text) if name not in own)
        return (*self.own_params, *(Parameter(name=name, meaning=parameters.PARAMETERS[name]) for name in shared))

    @property
    def ordered_by(self) -> tuple[str, ...]:
        """The columns its rows are ordered by."""
        return tuple(part.split()[0] for part in self.order.split(",") if part.strip())


class Computed(Query):
    """A metric: a query whose columns are promised one by one."""

    order: Text
    columns: Columns

    @model_validator(mode="after")
    def _can_be_a_table(self) -> Computed:
        if not _TABLE.fullmatch(self.name):
            raise ValueError("a table cannot have its name: use lower-case letters, digits and underscores")
        self._require_columns("order", self.ordered_by)
        return self

    def _require_columns(self, field: str, wanted: tuple[str, ...]) -> None:
        names = [column.name for column in self.columns]
        unknown = [name for name in wanted if name not in names]
        if unknown:
            raise ValueError(f"{field} names {', '.join(unknown)}, which columns does not: {', '.join(names)}")

    @property
    def kind(self) -> str:
        """``metric``."""
        return type(self).__name__.lower()

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell a row from all others."""
        return self.ordered_by


def _indexes(value: Any) -> Any:
    return {name: _listed(columns) for name, columns in value.items()} if isinstance(value, dict) else value


class TargetFields(Frozen):
    """Where a metric is published: the table, its key, the columns that are written, and whose rows they are.

    A board, which is a table of ours in ``analytics``, gives ``types`` in the place of ``columns``: those of its key
    and columns, in their order. ``origin`` is what the metric calls the key, where it calls it otherwise; ``every``
    the dimension that has one row each. ``indexes`` are those of a board beside its key's, by what they are called
    after the table.
    """

    table: Annotated[str, StringConstraints(pattern=r"^(public|analytics)\.[a-z][a-z0-9_]*$")]
    key: Texts
    columns: Texts = ()
    types: dict[str, Text] = Field(default_factory=dict)
    origin: Texts = ()
    every: str | None = None
    indexes: Annotated[dict[str, tuple[str, ...]], BeforeValidator(_indexes)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_a_board_or_not(self) -> TargetFields:
        board = self.table.startswith("analytics.")
        if board is not bool(self.types) or board is bool(self.columns):
            wanted = "types, of its key and columns" if board else "columns"
            raise ValueError(f"{self.table} needs {wanted}, and {'no columns' if board else 'no types'}")
        if board and tuple(self.types)[: len(self.key)] != self.key:
            raise ValueError(f"the types of {self.table} do not begin with its key: {', '.join(self.key)}")
        return self

    @property
    def written(self) -> tuple[str, ...]:
        """The columns that are written, without the key."""
        return self.columns or tuple(self.types)[len(self.key) :]


class SliceFields(Frozen):
    """Measures that a metric's own query reads by groups of its own: ``by`` as a slice has it, unnamed values as null.

    ``where`` keeps the facts with one of the values. ``at`` says what a row of the metric is grouped under, in each of
    the paths: in the terms of the row.
    """

    measures: Texts
    by: Texts = ()
    where: dict[str, Texts] = Field(default_factory=dict)
    at: dict[str, Text] = Field(default_factory=dict)


class Metric(Computed):
    """A table of fixed grain: its tag, key, columns of money, the statistics that complete it, its targets.

    One that stands on facts has a row per ``rows``, and in each of its ``cells`` a measure; one with a ``window``
    counts what lies in it. ``slices`` are what else its own query reads of facts. ``shows`` are columns that are a
    measure as well, although the metric takes it from another one, or measures of its slices: ``active.active_users``,
    one over another, or a comparison of such shares. ``unit`` is the link of the facts in its slices, and its own
    column of the same value, by which its rows are worked out together. One of ``funnels`` has the stages of every
    funnel.
    """

    topic: Text | None = None
    key_columns: Texts = Field((), alias="key")
    money: Texts = ()
    statistics: Texts = ()
    targets: dict[str, TargetFields] = Field(default_factory=dict)
    rows: str | None = None
    window: bool = False
    cells: dict[str, Text] = Field(default_factory=dict)
    shows: dict[str, Text] = Field(default_factory=dict)
    slices: dict[str, SliceFields] = Field(default_factory=dict)
    unit: dict[str, str] = Field(default_factory=dict)
    funnels: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell a row from all others: those declared, or else the whole order."""
        return self.key_columns or self.ordered_by

    @model_validator(mode="after")
    def _names_its_money(self) -> Metric:
        self._require_columns("key", self.key_columns)
        self._require_columns("money", self.money)
        self._require_columns("unit", tuple(self.unit.values()))
        for name, target in self.targets.items():
            self._require_columns(f"targets.{name}.columns", target.written)
            self._require_columns(f"targets.{name}.{'origin' if target.origin else 'key'}", target.origin or target.key)
        unlisted = [one.name for one in self.columns if one.unit == MONEY and one.name not in self.money]
        if unlisted:
            raise ValueError(f"{', '.join(unlisted)} is in the reporting currency: list it under money")
        return self


class Check(Query):
    """A query that returns what is wrong: whether that stops a refresh, and what to do about it.

    The query of one that is declared without follows from sources or targets: `compute.derived_checks` makes it.
    """

    severity: Literal["blocking", "warning"]
    remedy: Text


class Explanation(Query):
    """The rows behind cells of a metric: which cells, and how the rows make each of them up.

    ``how`` is one sentence, or one per column; ``decimals`` are the places a cell is rounded to, ``empty`` is what a
    cell without rows says.
    """

    explains: Texts
    how: Text | dict[str, Text]
    decimals: int | None = None
    empty: str | None = None


class Source(Declaration):
    """An operational table as it is read: its columns, key, money and event time; ``left`` is what stays there.

    ``later`` are columns that were added once the view of the source was out: a view takes new ones at its end only.
    ``exists_before_event`` says that a row without an event time is one all the same: an invite that is not sent yet.
    ``personal`` are columns that name a person or hold a text somebody wrote: nothing outside the house sees them.
    ``digests`` are personal columns of text that rows are joined by: only the digest of each value leaves Postgres.
    """

    grain: Text
    columns: Texts
    key: Text
    money: str | None = None
    event_time: str | None = None
    left: Text | None = None
    later: Texts = ()
    digests: Texts = ()
    exists_before_event: bool = False
    personal: Texts = ()

    @model_validator(mode="after")
    def _names_columns_it_reads(self) -> Source:
        for field in ("key", "money", "event_time", "personal", "digests"):
            for named in _listed(getattr(self, field)) or ():
                if named not in self.columns:
                    raise ValueError(f"{field} names {named}, which columns does not: {', '.join(self.columns)}")
        return self


class Script(Declaration):
    """Statements that build something: the tables, views or roles they make, and the tables they refer to.

    ``keyed`` are tables that need a key of their own for the view to be made.
    """

    grain: Text | None = None
    tables: Texts = ()
    views: Texts = ()
    roles: Texts = ()
    keyed: Texts = ()
    inputs: Texts = ()
    units: Text | None = None
