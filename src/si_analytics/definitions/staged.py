"""The queries of a funnel: the rows of a fact as units that go through its stages, counted, timed or one by one.

Belongs here: putting them together, as SQLGlot trees. A unit that reached a stage has reached all before it; times are
whole microseconds until the one rounding at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction as Share

from sqlglot import expressions as exp

from si_analytics.calendars import STANDARD, Calendar
from si_analytics.definitions import counting, exact, grouping, trees
from si_analytics.definitions.exact import MICROSECONDS, Fraction
from si_analytics.definitions.fact_models import CALENDAR, CLOCK, Dimension, Fact, Stage
from si_analytics.definitions.grouping import Joins, Path
from si_analytics.errors import UnknownNameError

ALL = "all"
"""What the breakdown and its value are called where a funnel is not broken down."""

BESIDE = " · "
"""What stands between the values of two groupings."""

WITHIN = "within_microseconds"
_SHARES = {"median_hours_from_start": Share(1, 2), "p90_hours_from_start": Share(9, 10)}
_RATIO, _HOURS = 6, 2


@dataclass(frozen=True)
class Asked:
    """How a funnel is asked for: what its units are grouped by and filtered to, whether their time is limited.

    ``where`` says which parameter holds the values of which path; with ``within``, the parameter of that name holds the
    limit. In `utc` no offset of a time zone is needed.
    """

    by: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    within: bool = False
    calendar: Calendar = STANDARD
    utc: bool = False

    @property
    def breakdown(self) -> str:
        """What the units are broken down by, in one text."""
        return ", ".join(self.by) or ALL


def resolve(fact: Fact, dimensions: Mapping[str, Dimension], name: str) -> Path:
    """The path `name` from the units, or what a breakdown of that name stands for.

    Raises UnknownNameError that suggests the nearest and names the breakdowns.
    """
    written = fact.breakdowns.get(name, name)
    if written != name and written in fact.selected:
        return Path(name, "text", fact.name, written)
    known = reachable(fact, dimensions)
    if name in known:
        return replace(grouping.resolve(fact, dimensions, written), name=name)
    near, listed = grouping.nearest(name, known), grouping.listed(fact.breakdowns)
    raise UnknownNameError(
        f"the breakdown '{name}' of funnel '{fact.funnel}'",
        "there is none of that name",
        f"{near}{listed}; and what warehouse.groupings('{fact.funnel}') lists",
    )


def reachable(fact: Fact, dimensions: Mapping[str, Dimension]) -> tuple[str, ...]:
    """All that the units can be grouped by: the breakdowns, then every path, then the calendar."""
    every = (path.name for path in grouping.paths(fact, dimensions))
    return tuple(dict.fromkeys((*fact.breakdowns, *every, *CALENDAR, *CLOCK)))


def counted(
    funnels: Iterable[Fact], dimensions: Mapping[str, Dimension], asked: Asked, shown: Sequence[str] = ()
) -> exp.Select:
    """One row per funnel, group and stage: how many reached it, and how long that took.

    `shown` are the names of columns for the groupings, beside the text of them all.
    """
    steps: dict[str, exp.Expr] = {}
    stages: list[exp.Select] = []
    for fact in funnels:
        one = _Units(fact, dimensions, asked)
        steps[f"{fact.funnel}_units"] = one.timed()
        steps[f"{fact.funnel}_counts"] = one.counts(f"{fact.funnel}_units")
        stages += one.stages(f"{fact.funnel}_counts")
    steps["stages"] = exp.union(*stages, distinct=False) if len(stages) > 1 else stages[0]
    steps["timed"] = exp.select("*", *_places()).from_(trees.relation("stages"), copy=False)
    groups = [exp.column(_group(at), "timed") for at in range(len(asked.by))]
    steps["final"] = exp.select(
        exp.column("funnel", "timed"),
        trees.said(asked.breakdown, "breakdown"),
        exp.alias_(_together(groups), "breakdown_value"),
        *(exp.alias_(group.copy(), trees.identifier(name)) for group, name in zip(groups, shown, strict=False)),
        *_figures(),
    ).from_(trees.relation("timed"), copy=False)
    return trees.in_steps(
        steps, trees.everything("final", ["funnel", *(shown or ("breakdown_value",)), "stage_number"])
    )


def units(
    fact: Fact, dimensions: Mapping[str, Dimension], asked: Asked, stage: int, attributes: Sequence[str] = ()
) -> exp.Select:
    """One row per unit and group: how far it got, and what is known of one of the stages.

    Columns: unit_id, breakdown_value, started_at, furthest_stage; of the stage is_own (reached by an event of its own),
    reached_at, elapsed (microseconds, where that is known and not before the start); is_immature; the `attributes`.
    """
    return _Units(fact, dimensions, asked).single(stage, attributes)


def _places() -> list[exp.Expr]:
    """The microseconds at each share of the units, times the number of parts that the share is counted in."""
    return [
        exp.alias_(exact.interpolated(exp.column("elapsed", "stages"), share, 0).number, _place(name))
        for name, share in _SHARES.items()
    ]


def _figures() -> list[exp.Expr]:
    reached, before, entered = (exp.column(name, "timed") for name in ("reached", "reached_before", "entered"))
    dropped = exp.func("coalesce", before - reached, exp.Literal.number(0))
    from_previous = exact.rounded(Fraction(reached, 1, (before,)), _RATIO)
    from_start = exact.rounded(Fraction(reached.copy(), 1, (entered,)), _RATIO)
    times = []
    for name, share in _SHARES.items():
        hours = Fraction(exp.column(_place(name), "timed"), share.denominator * MICROSECONDS["hours"])
        times.append(exp.alias_(exact.rounded(hours, _HOURS), name))
    return [
        exp.column("stage_number", "timed"),
        exp.column("stage", "timed"),
        reached.copy(),
        exp.alias_(dropped, "dropped"),
        exp.alias_(from_previous, "conversion_from_previous"),
        exp.alias_(from_start, "conversion_from_start"),
        *times,
        exp.column("immature", "timed"),
    ]


def _place(figure: str) -> str:
    return figure.partition("_")[0] + "_parts"


@dataclass(frozen=True)
class _Units:
    """The units of one funnel as they are asked for."""

    fact: Fact
    dimensions: Mapping[str, Dimension]
    asked: Asked

    def timed(self) -> exp.Select:
        """One row per unit and group: how far it got, and after how long it reached each stage on its own."""
        query, groups = self._grouped()
        columns = [exp.alias_(value, name) for name, value in groups.items()]
        columns.append(exp.alias_(self._furthest(), "furthest_stage"))
        columns += [exp.alias_(self._after(stage), _after(at)) for at, stage in self._later() if stage.time]
        if self.asked.within:
            columns.append(exp.alias_(self._is_immature(), "is_immature"))
        return query.select(*columns, copy=False)

    def counts(self, of: str) -> exp.Select:
        """One row per group: how many got how far, and the times of each stage in order."""
        query = exp.select(*(exp.column(_group(at)) for at in range(len(self.asked.by)))).from_(
            trees.relation(of), copy=False
        )
        for at, _ in enumerate(self.fact.stages, start=1):
            got_there = exp.column("furthest_stage") >= exp.Literal.number(at)
            number = exp.Count(this=exp.Star()) if at == 1 else _filtered(exp.Count(this=exp.Star()), got_there)
            query = query.select(exp.alias_(number, f"reached_{at}"), copy=False)
        for at, stage in self._later():
            if stage.time:
                wanted: list[exp.Expr] = [exp.column(_after(at)) >= exp.Literal.number(0)]
                if self.asked.within:
                    wanted.append(exp.column(_after(at)) <= _limit())
                listed = _filtered(exp.ArrayAgg(this=exp.column(_after(at))), *wanted)
                query = query.select(
                    exp.alias_(exp.Anonymous(this="list_sort", expressions=[listed]), f"elapsed_{at}"), copy=False
                )
        if self.asked.within:
            immature = _filtered(exp.Count(this=exp.Star()), exp.column("is_immature"))
            query = query.select(exp.alias_(immature, "immature"), copy=False)
        groups = [exp.column(_group(at)) for at in range(len(self.asked.by))]
        return query.group_by(*groups, copy=False) if groups else query

    def stages(self, of: str) -> list[exp.Select]:
        """One row per group and stage: its counts beside those it is compared with."""
        found = []
        for at, stage in enumerate(self.fact.stages, start=1):
            before: exp.Expr = exp.null() if at == 1 else exp.column(f"reached_{at - 1}")
            elapsed: exp.Expr = exp.null() if at == 1 or not stage.time else exp.column(f"elapsed_{at}")
            immature: exp.Expr = exp.column("immature") if self.asked.within else exp.Literal.number(0)
            query = exp.select(
                trees.said(str(self.fact.funnel), "funnel"),
                *(exp.column(_group(group)) for group in range(len(self.asked.by))),
                exp.alias_(exact.cast(exp.Literal.number(at), "bigint"), "stage_number"),
                trees.said(stage.name, "stage"),
                exp.alias_(exp.column(f"reached_{at}"), "reached"),
                exp.alias_(exact.cast(before, "bigint"), "reached_before"),
                exp.alias_(exp.column("reached_1"), "entered"),
                exp.alias_(exact.cast(elapsed, "bigint[]"), "elapsed"),
                exp.alias_(exact.cast(immature, "bigint"), "immature"),
            )
            found.append(query.from_(trees.relation(of), copy=False))
        return found

    def single(self, number: int, attributes: Sequence[str]) -> exp.Select:
        query, groups = self._grouped(attributes)
        stage = self.fact.stages[number - 1]
        own = exp.true() if number == 1 else self._counts(stage)
        time: exp.Expr = self._column(stage.time) if stage.time else exact.cast(exp.null(), "timestamptz")
        elapsed: exp.Expr = exp.null()
        if number > 1 and stage.time:
            wanted = exp.and_(self._counts(stage), self._after(stage) >= exp.Literal.number(0))
            elapsed = exp.Case().when(wanted, self._after(stage))
        immature: exp.Expr = self._is_immature() if self.asked.within else exp.false()
        columns: dict[str, exp.Expr] = {
            "unit_id": self._column(self.fact.key[0]),
            "breakdown_value": _together(list(groups.values())),
            "started_at": self._column(self.fact.time),
            "furthest_stage": self._furthest(),
            "is_own": own,
            "reached_at": time if number == 1 else exp.Case().when(own.copy(), time),
            "elapsed": exact.cast(elapsed, "bigint"),
            "is_immature": immature,
            **self._attributes(attributes),
        }
        return query.select(*(exp.alias_(value, name) for name, value in columns.items()), copy=False)

    def _attributes(self, names: Sequence[str]) -> dict[str, exp.Expr]:
        """What the units are grouped by, as it is stored: a list stays one, and nothing is null."""
        found: dict[str, exp.Expr] = {}
        for name in names:
            path = resolve(self.fact, self.dimensions, name)
            column: exp.Expr = exp.column(path.column, path.of)
            if path.kind in {"calendar", "number"}:
                column = _text(path, Joins(utc=self.asked.utc), self.asked.calendar)
            elif path.kind == "text":
                column = exact.cast(column, "varchar")
            found[name] = column
        return found

    def _grouped(self, attributes: Sequence[str] = ()) -> tuple[exp.Select, dict[str, exp.Expr]]:
        """The units that entered in the window and pass the filters, once in each of their groups."""
        joins, lists, groups = Joins(utc=self.asked.utc), dict[str, exp.Expr](), dict[str, exp.Expr]()
        conditions = [*counting.within(self.fact, counting.NOW), *self._filters(joins)]
        for at, name in enumerate(self.asked.by):
            path = resolve(self.fact, self.dimensions, name)
            value = _value(path, joins, self.asked.calendar)
            if path.kind == "list":
                if name in self.asked.where:
                    value = grouping.kept(value, self.asked.where[name])
                lists[f"each_{at}"] = value
                value = exp.column("value", f"each_{at}")
            groups[_group(at)] = value
        for name in attributes:
            path = resolve(self.fact, self.dimensions, name)
            joins.add(path)
            if path.kind in {"calendar", "number"}:
                joins.local(exp.column(path.column, path.of))
        query = joins.on(exp.Select().from_(trees.relation(self.fact.name, "facts", self.fact.name), copy=False))
        for alias, values in lists.items():
            query = query.join(grouping.unnested(alias, values), join_type="cross", copy=False)
        return query.where(*conditions, copy=False), groups

    def _filters(self, joins: Joins) -> list[exp.Expr]:
        found: list[exp.Expr] = []
        for name, parameter in self.asked.where.items():
            path = resolve(self.fact, self.dimensions, name)
            value = _value(path, joins, self.asked.calendar)
            wanted = exact.cast(exp.Placeholder(this=parameter), "varchar[]")
            holds, sides = (
                ("list_has_any", [value, wanted]) if path.kind == "list" else ("list_contains", [wanted, value])
            )
            found.append(exp.Anonymous(this=holds, expressions=sides))
        return found

    def _later(self) -> list[tuple[int, Stage]]:
        return [(at, stage) for at, stage in enumerate(self.fact.stages, start=1) if at > 1]

    def _furthest(self) -> exp.Expr:
        """The number of the last stage that the unit reached; the first it has reached by being one."""
        case = exp.Case()
        for at, stage in reversed(self._later()):
            case = case.when(self._counts(stage), exp.Literal.number(at))
        return exact.cast(case.else_(exp.Literal.number(1)), "bigint")

    def _counts(self, stage: Stage) -> exp.Expr:
        """That the unit reached the stage by an event of its own; within a time, by one whose time is known."""
        if self.asked.within:
            return self._after(stage) <= _limit() if stage.time else exp.false()
        return self._column(stage.flag) if stage.flag else trees.present(self._column(stage.time))

    def _after(self, stage: Stage) -> exp.Expr:
        """How many microseconds after the start the unit reached the stage."""
        ends, begins = (exp.func("epoch_us", self._column(name)) for name in (stage.time, self.fact.time))
        return ends - begins

    def _is_immature(self) -> exp.Expr:
        """That the unit's time is not up yet."""
        now = exp.func("epoch_us", exact.cast(exp.Placeholder(this="as_of"), "timestamptz"))
        return _limit() > now - exp.func("epoch_us", self._column(self.fact.time))

    def _column(self, name: str) -> exp.Column:
        return exp.column(name, self.fact.name)


def _value(path: Path, joins: Joins, calendar: Calendar) -> exp.Expr:
    """What a unit is grouped under, as text; of a list, the list of its distinct values. Only null has no value."""
    if path.kind in {"text", "list"}:
        return grouping.value(path, joins, calendar, _named)
    return _named(_text(path, joins, calendar))


def _text(path: Path, joins: Joins, calendar: Calendar) -> exp.Expr:
    """A period or a number of the clock as text: a month without its day, an hour of two digits."""
    value = grouping.value(path, joins, calendar)
    if path.unit == "month":
        return exp.Anonymous(this="strftime", expressions=[value, exp.Literal.string("%Y-%m")])
    text = exact.cast(value, "varchar")
    if path.unit == "hour":
        return exp.Anonymous(this="lpad", expressions=[text, exp.Literal.number(2), exp.Literal.string("0")])
    return text


def _named(value: exp.Expr) -> exp.Expr:
    return exp.func("coalesce", value, exp.Literal.string(grouping.NONE))


def _together(groups: Sequence[exp.Expr]) -> exp.Expr:
    """The values of all groupings in one text."""
    if not groups:
        return exp.Literal.string(ALL)
    found = groups[0].copy()
    for group in groups[1:]:
        found = exp.DPipe(this=exp.DPipe(this=found, expression=exp.Literal.string(BESIDE)), expression=group.copy())
    return found


def _filtered(aggregate: exp.Expr, *conditions: exp.Expr) -> exp.Expr:
    return exp.Filter(this=aggregate, expression=exp.Where(this=exp.and_(*conditions)))


def _limit() -> exp.Expr:
    return exact.cast(exp.Placeholder(this=WITHIN), "bigint")


def _after(at: int) -> str:
    return f"after_{at}"


def _group(at: int) -> str:
    return f"group_{at}"
