"""The query of a slice: any measures, by anything their facts can be grouped by, beside another window, with totals.

Belongs here: putting the query together, as a SQLGlot tree. Every fact is added up on its own before they meet; what is
pooled as others, and every total, is added up from the facts anew.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import expressions as exp

from si_analytics.calendars import STANDARD, Calendar
from si_analytics.definitions import counting, exact, grouping, trees
from si_analytics.definitions.counting import Span
from si_analytics.definitions.exact import Fraction, Leaf, Worked
from si_analytics.definitions.fact_models import Fact, Measure
from si_analytics.definitions.grouping import Joins, Path
from si_analytics.definitions.measured import Vocabulary

EARLIER = Span("previous_since", "previous_until")
OTHERS, TOTAL = "(others)", "(total)"
BEFORE, CHANGE, CHANGE_RATIO = "_before", "_change", "_change_ratio"
STEPS = {"day": ("day", 1), "week": ("day", 7), "month": ("month", 1), "quarter": ("month", 3), "year": ("month", 12)}
"""How far it is from the first day of a period to that of the next."""


@dataclass(frozen=True)
class Asked:
    """A slice: the measures, what they are grouped by and filtered to.

    ``where`` says which parameter holds the values of which path. With ``compared``, a window before is asked for, and
    ``shifts`` says how far each calendar grouping of it is moved: in days or in months. With ``top``, the parameter
    ``top`` holds the values of the first grouping that are shown; ``complete`` is the calendar grouping whose periods
    are marked.
    """

    measures: tuple[str, ...]
    by: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    compared: bool = False
    shifts: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    top: bool = False
    totals: bool = False
    fill: bool = False
    complete: str = ""
    calendar: Calendar = STANDARD
    utc: bool = False

    @property
    def says_row(self) -> bool:
        """Whether a column says what a row is: a cell, the others or the total."""
        return self.top or self.totals


@dataclass(frozen=True, eq=False)
class _Part:
    """The steps of one slice of one kind: cells, or the total."""

    words: Vocabulary
    asked: Asked
    by: tuple[str, ...]
    suffix: str

    @functools.cached_property
    def measures(self) -> list[Measure]:
        return [self.words.measures[name] for name in self.asked.measures]

    @functools.cached_property
    def leaves(self) -> dict[str, list[Leaf]]:
        return counting.leaves(self.measures, self.words.measures)

    def name(self, fact: str, *, before: bool) -> str:
        return f"{fact}_counted{self.suffix}{'_before' if before else ''}"

    def steps(self) -> dict[str, exp.Expr]:
        """A step per fact and window, and one of every group that any of them has."""
        found: dict[str, exp.Expr] = {}
        for before in (False, True) if self.asked.compared else (False,):
            for fact, leaves in self.leaves.items():
                found[self.name(fact, before=before)] = self._counted(self.words.facts[fact], leaves, before=before)
        if self.by:
            each = [exp.select(*self._columns()).from_(trees.relation(name), copy=False) for name in found]
            found[f"groups{self.suffix}"] = exp.union(*each) if len(each) > 1 else each[0].distinct()
            if self.asked.fill:
                found[f"periods{self.suffix}"] = self._filled()
        return found

    @property
    def home(self) -> str:
        """The step that has a row for each cell."""
        if not self.by:
            return self.name(next(iter(self.leaves)), before=False)
        return f"{'periods' if self.asked.fill else 'groups'}{self.suffix}"

    def cells(self) -> exp.Select:
        """One row per group: the measures, and those of the window before."""
        home = self.home
        query = exp.select(*(exp.column(_group(at), home) for at in range(len(self.by)))).from_(
            trees.relation(home), copy=False
        )
        for before in (False, True) if self.asked.compared else (False,):
            worked = Worked(self.words.facts, self.words.measures, self.reader(before=before))
            after = BEFORE if before else ""
            for measure in self.measures:
                query = query.select(exp.alias_(worked.value(measure), measure.name + after, quoted=True), copy=False)
            for fact in self.leaves:
                step = self.name(fact, before=before)
                if step == home:
                    continue
                same = [
                    exp.NullSafeEQ(this=exp.column(_group(at), home), expression=exp.column(_group(at), step))
                    for at in range(len(self.by))
                ]
                join = {"on": exp.and_(*same), "join_type": "left"} if same else {"join_type": "cross"}
                query = query.join(trees.relation(step), copy=False, **join)
        return query

    def reader(self, *, before: bool) -> Callable[[Leaf], exp.Expr]:
        return lambda leaf: exp.column(leaf.name, self.name(leaf.fact, before=before))

    def _columns(self) -> list[exp.Expr]:
        return [exp.column(_group(at)) for at in range(len(self.by))]

    def _counted(self, fact: Fact, leaves: Sequence[Leaf], *, before: bool) -> exp.Select:
        joins, lists = Joins(utc=self.asked.utc), dict[str, tuple[Path, exp.Expr]]()
        conditions = counting.within(fact, EARLIER if before else counting.NOW)
        conditions += filters(fact, self.words, self.asked, joins)
        groups: dict[str, exp.Expr] = {}
        for at, name in enumerate(self.by):
            path = grouping.resolve(fact, self.words.dimensions, name)
            if path.kind == "list":
                groups[_group(at)], values = self._listed(path, f"each_{at}", first=at == 0)
                lists[f"each_{at}"] = path, values
                for step in path.steps[:-1]:
                    joins.steps.setdefault(step.alias, step)
            else:
                groups[_group(at)] = self._value(path, joins, first=at == 0, before=before)
        query = counting.counted(fact, leaves, groups, joins, conditions)
        for alias, (path, values) in lists.items():
            query = _under_each(query, path, alias, values)
        return query

    def _value(self, path: Path, joins: Joins, *, first: bool, before: bool) -> exp.Expr:
        """What a fact is grouped under; null for what is pooled as others."""
        value = grouping.value(path, joins, self.asked.calendar)
        if before and path.name in self.asked.shifts:
            value = _shifted(value, *self.asked.shifts[path.name])
        return exp.Case().when(_holds("top", value), value.copy()) if first and self.asked.top else value

    def _listed(self, path: Path, alias: str, *, first: bool) -> tuple[exp.Expr, exp.Expr]:
        """What a fact is grouped under by a list, once under each value, and the list of those values.

        What no member of the dimension says of the fact is as if it had an empty list.
        """
        values = grouping.value(path, Joins(), self.asked.calendar)
        if path.name in self.asked.where:
            values = grouping.kept(values, self.asked.where[path.name])
        value, none = exp.column("value", alias), exp.Literal.string(grouping.NONE)
        if not (first and self.asked.top):
            return exp.func("coalesce", value, none), values
        kept = exp.Case().when(_holds("top", exp.column("each")), exp.column("each"))
        absent = exp.Array(expressions=[exp.Case().when(_holds("top", none), none.copy())])
        # list_distinct leaves out a null, which is what the others are, but not a list of one.
        values = exp.func("list_distinct", _over(values, "list_transform", exp.Array(expressions=[kept])))
        return exp.func("list_extract", exp.func("coalesce", value, absent), exp.Literal.number(1)), values

    def _filled(self) -> exp.Expr:
        """Every period of the window for each combination of the other groups, and all that has a row anyway."""
        at = next(at for at, name in enumerate(self.by) if name in STEPS)
        unit, count = STEPS[self.by[at]]
        home = f"groups{self.suffix}"
        ours = exp.column(_group(at), home)
        first = exp.func("coalesce", _date("fill_first"), exp.func("min", ours.copy()))
        every = exp.Interval(this=exp.Literal.number(count), unit=exp.var(unit))
        series = exp.Anonymous(this="generate_series", expressions=[first, _date("fill_last"), every])
        spread = exp.select(exp.alias_(series, "days")).from_(trees.relation(home), copy=False)
        day = exact.cast(exp.Anonymous(this="unnest", expressions=[exp.column("days")]), "date")
        periods = exp.select(exp.alias_(day, _group(at))).from_(spread.subquery("spread"), copy=False)
        others = [exp.column(_group(other)) for other in range(len(self.by)) if other != at]
        wanted = [exp.column(_group(other), "filled" if other == at else "seen") for other in range(len(self.by))]
        query = exp.select(*wanted).from_(periods.subquery("filled"), copy=False)
        if others:
            seen = exp.select(*others).distinct().from_(trees.relation(home), copy=False).subquery("seen")
            query = query.join(seen, join_type="cross", copy=False)
        return exp.union(query, exp.select(*self._columns()).from_(trees.relation(home), copy=False))


def _under_each(query: exp.Select, path: Path, alias: str, values: exp.Expr) -> exp.Select:
    """The query with a row for each value of a list: a dimension's are laid out once, and not once for each fact."""
    if not path.steps:
        return query.join(grouping.unnested(alias, values), join_type="cross", copy=False)
    last = path.steps[-1]
    laid_out = exp.select(
        exp.column(last.key, last.alias), exp.alias_(exp.Anonymous(this="unnest", expressions=[values]), "value")
    ).from_(trees.relation(last.dimension, "dimensions", last.alias), copy=False)
    on = exp.column(last.column, last.of).eq(exp.column(last.key, alias))
    return query.join(laid_out.subquery(alias), on=on, join_type="left", copy=False)


def filters(fact: Fact, words: Vocabulary, asked: Asked, joins: Joins) -> list[exp.Expr]:
    """That a fact has one of the values asked for, in each of the paths that are filtered by."""
    found: list[exp.Expr] = []
    for name, parameter in asked.where.items():
        path = grouping.resolve(fact, words.dimensions, name)
        value = grouping.value(path, joins, asked.calendar)
        if path.kind == "list":
            found.append(exp.Anonymous(this="list_has_any", expressions=[value, _texts(parameter)]))
        else:
            found.append(_holds(parameter, grouping.named(exact.cast(value, "varchar"))))
    return found


def query(asked: Asked, words: Vocabulary) -> exp.Select:
    """The query of the slice: a row per group in order, then the others, then the total."""
    cells = _Part(words, asked, asked.by, "")
    steps = {**cells.steps(), "cells": _told(asked, cells, "cell")}
    last = "cells"
    if asked.totals:
        total = _Part(words, dataclasses.replace(asked, top=False, fill=False, by=()), (), "_total")
        steps |= {**total.steps(), "total": _told(asked, total, "total")}
        steps["rows"] = exp.union(
            exp.select("*").from_(trees.relation("cells"), copy=False),
            exp.select("*").from_(trees.relation("total"), copy=False),
            distinct=False,
        )
        last = "rows"
    chosen = [exp.alias_(_shown(asked, words, at, last), name, quoted=True) for at, name in enumerate(asked.by)]
    for name in asked.measures:
        chosen += _columns_of(words.measures[name], asked, last)
    if asked.complete:
        chosen.append(exp.alias_(_is_complete(asked, last), "complete"))
    if asked.says_row:
        chosen.append(exp.alias_(exp.column("kind", last), "row", quoted=True))
    found, order = exp.select(*chosen).from_(trees.relation(last), copy=False), _order(asked, words, last)
    return trees.in_steps(steps, found.order_by(*order, copy=False) if order else found)


def ranking(asked: Asked, words: Vocabulary) -> tuple[exp.Select, int]:
    """The values of the first grouping and, unrounded, the first measure of each.

    That is a number over the others of its row, and over the whole number that is returned beside the query.
    """
    part = _Part(
        words, dataclasses.replace(asked, by=asked.by[:1], top=False, fill=False, compared=False), asked.by[:1], ""
    )
    found, home = part.cells(), part.home
    measure = part.measures[0]
    worked = Worked(words.facts, words.measures, part.reader(before=False))
    moment = Fraction(exp.func("epoch_us", worked.value(measure)))
    value = moment if measure.is_time else worked.fraction(measure)
    found.set("expressions", [exp.column(_group(0), home), value.number, *value.times])
    return trees.in_steps(part.steps(), found), value.over


def _told(asked: Asked, part: _Part, kind: str) -> exp.Select:
    """The cells of a part with the groups of the whole slice, and what each row is."""
    inner = part.cells()
    if kind == "total":
        groups: list[exp.Expr] = [exp.alias_(exp.null(), _group(at)) for at in range(len(asked.by))]
        named: exp.Expr = exp.Literal.string("total")
    else:
        groups = [exp.column(_group(at), "inner_cells") for at in range(len(asked.by))]
        pooled = exp.column(_group(0), "inner_cells").is_(exp.null())
        others = exp.Case().when(pooled, exp.Literal.string("others")).else_(exp.Literal.string("cell"))
        named = others if asked.top else exp.Literal.string("cell")
    names = [name + after for after in (("", BEFORE) if asked.compared else ("",)) for name in asked.measures]
    values = [exp.column(name, "inner_cells", quoted=True) for name in names]
    return exp.select(*groups, *values, exp.alias_(named, "kind")).from_(inner.subquery("inner_cells"), copy=False)


def _shown(asked: Asked, words: Vocabulary, at: int, of: str) -> exp.Expr:
    """A grouping as it is shown: the others and the total say that they are, where it is a text."""
    column = exp.column(_group(at), of)
    if not asked.says_row or not is_text(asked, words, asked.by[at]):
        return column
    row = exp.column("kind", of)
    case = exp.Case().when(row.eq(exp.Literal.string("total")), exp.Literal.string(TOTAL))
    if asked.top and at == 0:
        case = case.when(row.copy().eq(exp.Literal.string("others")), exp.Literal.string(OTHERS))
    return case.else_(column)


def path_of(asked: Asked, words: Vocabulary, name: str) -> Path:
    """A path from the first fact that is asked for: it means the same for all."""
    fact = next(iter(counting.leaves([words.measures[one] for one in asked.measures], words.measures)))
    return grouping.resolve(words.facts[fact], words.dimensions, name)


def is_text(asked: Asked, words: Vocabulary, name: str) -> bool:
    """Whether a grouping's values are texts, rather than days or numbers."""
    return path_of(asked, words, name).kind in {"text", "list"}


def _columns_of(measure: Measure, asked: Asked, of: str) -> list[exp.Expr]:
    now = exp.column(measure.name, of, quoted=True)
    found: list[exp.Expr] = [now]
    if not asked.compared:
        return found
    before = exp.column(measure.name + BEFORE, of, quoted=True)
    found.append(before)
    if measure.is_time:
        return found
    change = now.copy() - before.copy()
    kind = f"decimal(38, {measure.places})" if measure.places else "bigint"
    found.append(exp.alias_(exact.cast(exp.Paren(this=change), kind), measure.name + CHANGE, quoted=True))
    whole = exact.scaled(exp.Paren(this=change.copy()), measure.places)
    past = exp.func("abs", exact.scaled(before.copy(), measure.places))
    ratio = exact.rounded(Fraction(whole, 1, (past,)), 6)
    found.append(exp.alias_(ratio, measure.name + CHANGE_RATIO, quoted=True))
    return found


def _is_complete(asked: Asked, of: str) -> exp.Expr:
    """Whether the period of a row lies in the window as a whole; null for the total."""
    at = asked.by.index(asked.complete)
    unit, count = STEPS[asked.complete]
    begins = exp.column(_group(at), of)
    ends = exact.cast(begins.copy() + exp.Interval(this=exp.Literal.number(count), unit=exp.var(unit)), "date")
    since = exp.Paren(this=exp.or_(_date("first_whole_day").is_(exp.null()), begins >= _date("first_whole_day")))
    return exp.Case().when(begins.copy().is_(exp.null()).not_(), exp.and_(since, ends <= _date("last_whole_day")))


def _order(asked: Asked, words: Vocabulary, of: str) -> list[exp.Expr]:
    """Cells, others, total; within them by the groups, the values of the first by their rank where there is one."""
    found: list[exp.Expr] = []
    if asked.says_row:
        places = exp.Array(expressions=[exp.Literal.string(one) for one in ("cell", "others", "total")])
        found.append(exp.Anonymous(this="list_position", expressions=[places, exp.column("kind", of)]))
    for at, name in enumerate(asked.by):
        column = exp.column(_group(at), of)
        if asked.top and at == 0:
            found.append(exp.Anonymous(this="list_position", expressions=[_texts("top"), column]))
        if is_text(asked, words, name):
            found.append(column.copy().eq(exp.Literal.string(grouping.NONE)))
        found.append(exp.Ordered(this=column.copy(), nulls_first=False))
    return found


def _shifted(value: exp.Expr, unit: str, count: int) -> exp.Expr:
    """A first day so many days or months later; 29 February becomes 1 March where there is none."""
    moved = exact.cast(value + exp.Interval(this=exp.Literal.number(count), unit=exp.var(unit)), "date")
    if unit == "day":
        return moved
    days = exp.func("day", value.copy()) - exp.func("day", moved.copy())
    return moved + exact.cast(exp.Paren(this=days), "integer")


def _over(values: exp.Expr, function: str, body: exp.Expr) -> exp.Expr:
    return exp.Anonymous(
        this=function, expressions=[values, exp.Lambda(this=body, expressions=[exp.to_identifier("each")])]
    )


def _holds(parameter: str, value: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="list_contains", expressions=[_texts(parameter), value])


def _texts(parameter: str) -> exp.Expr:
    return exact.cast(exp.Placeholder(this=parameter), "varchar[]")


def _date(parameter: str) -> exp.Expr:
    return exact.cast(exp.Placeholder(this=parameter), "date")


def _group(at: int) -> str:
    return f"group_{at}"
