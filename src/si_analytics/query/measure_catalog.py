"""Lists the measures with what they are worked out of, the facts they are of, and what facts are grouped by.

Belongs here: the page ``docs/measure-catalog.md`` as Markdown, which ``make catalog`` writes, and the formula of a
measure in words. All of it comes from ``sql/facts`` and ``sql/dimensions``; reads no warehouse.

    python -m si_analytics.query.measure_catalog
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from si_analytics.definitions import Dimension, Fact, Measure, grouping, project
from si_analytics.definitions.expressions import Aggregate, Arithmetic, Named, Part
from si_analytics.definitions.fact_models import CALENDAR, CLOCK, LIST, MONTH_OF, Link
from si_analytics.query import slices
from si_analytics.query.markdown import code, narrow, sentence, table, text

_OPENING = f"""\
# The list of measures

Made by `make catalog` from the files in `sql/facts` and `sql/dimensions`; change those, not this page.
[Measures](measures.md) explains the words; `si measure --list` and `warehouse.measures()` list the same.

Every measure can also be grouped by the time of its fact, in the zone asked for:
{code((*CALENDAR, *CLOCK))}.

[Measures](#measures) · [Facts](#facts) · [Measures of measures](#measures-of-measures) · [Dimensions](#dimensions)
"""
_WAYS = {"sum": "sum", "mean": "mean", "min": "least", "max": "greatest"}


def page() -> str:
    """The list as Markdown."""
    ours = project()
    return "\n".join(
        (
            _OPENING,
            f"## Measures\n\n{_index(ours.measures.values())}",
            f"## Facts\n\n{facts_table()}",
            *map(_fact, ours.facts.values()),
            _of_measures([each for each in ours.measures.values() if not each.fact]),
            "## Dimensions\n",
            *map(_dimension, ours.dimensions.values()),
        )
    )


def facts_table() -> str:
    """One line per fact: what a row is, and the column that says when it happened."""
    rows = [
        (f"[{one.name}](measure-catalog.md#{one.name})", text(one.grain), f"`{one.time}`", code(_links(one.links)))
        for one in project().facts.values()
    ]
    return table(("fact", "grain", "happens at", "leads to"), rows)


def in_words(measure: Measure) -> str:
    """How a measure is worked out: ``sum of amount where type = 'refund'``."""
    return _part(measure.formula.tree)


def _part(part: Part) -> str:
    if isinstance(part, Arithmetic):
        return " ".join((_inner(part.left), part.sign, _inner(part.right)))
    if isinstance(part, Named):
        return part.measure
    if isinstance(part, Aggregate):
        return f"{_aggregate(part)} where {part.where}" if part.where else _aggregate(part)
    return str(part.value)


def _inner(part: Part) -> str:
    return f"({_part(part)})" if isinstance(part, Arithmetic) else _part(part)


def _aggregate(one: Aggregate) -> str:
    columns = " and ".join(one.columns)
    if one.function == "count":
        if one.distinct:
            return f"number of different {columns}"
        return f"number of rows with {columns}" if columns else "number of rows"
    if one.function == "percentile":
        assert one.share is not None
        return f"median of {columns}" if one.share * 2 == 1 else f"p{float(one.share * 100):g} of {columns}"
    return f"{_WAYS[one.function]} of {columns}"


def _index(measures: Iterable[Measure]) -> str:
    rows = [
        (f"[{one.name}](#{_home(one)})", _unit(one), f"`{in_words(one)}`", _of(one), text(one.meaning))
        for one in measures
    ]
    return table(("measure", "unit", "worked out as", "of", "that is"), rows)


def _home(one: Measure) -> str:
    return one.fact or "measures-of-measures"


def _of(one: Measure) -> str:
    return code(fact.name for fact in slices.facts_of([one]))


def _unit(one: Measure) -> str:
    return f"{one.unit}, any currency" if one.any_currency else one.unit


def _fact(one: Fact) -> str:
    rows = [f"`{column}` in `{name}`" for name, column in one.row.items()]
    about = [
        f"- **Grain**: {text(one.grain)}",
        f"- **Key**: {code(one.key)}",
        f"- **Happens at**: `{one.time}`{_timeless(one)}",
        *([f"- **In the currency of**: `{one.currency}`"] if one.currency else []),
        *([f"- **Operational row**: {', '.join(rows)}"] if rows else []),
        f"- **Grouped by**: {code(path.name for path in grouping.paths(one, project().dimensions))}",
        f"- **File**: [{one.path}](../{one.path})",
    ]
    measures = [(f"`{each.name}`", _unit(each), f"`{in_words(each)}`", text(each.meaning)) for each in one.measures]
    columns = [(f"`{each.name}`", each.unit, text(each.meaning)) for each in one.columns]
    return _joined(
        f"### {one.name}",
        text(sentence(one.summary)),
        text(one.description),
        "\n".join(map(narrow, about)),
        table(("measure", "unit", "worked out as", "that is"), measures).rstrip(),
        table(("column", "unit", "meaning"), columns),
    )


def _timeless(one: Fact) -> str:
    if one.timeless:
        return "; a row without it counts wherever no beginning is asked for"
    return ""


def _of_measures(measures: Iterable[Measure]) -> str:
    rows = [
        (
            f"`{one.name}`",
            _unit(one),
            f"`{in_words(one)}`",
            text(one.meaning),
            code(name for name in slices.dimensions(one.name) if name not in (*CALENDAR, *CLOCK)),
        )
        for one in measures
    ]
    return _joined(
        "## Measures of measures",
        "Each part is worked out of its own facts before they meet. They go with what all their facts go with.",
        table(("measure", "unit", "worked out as", "that is", "grouped by"), rows),
    )


def _dimension(one: Dimension) -> str:
    rows = [
        (f"`{one.name}`" if each.name == one.key else f"`{one.name}.{each.name}`", _kind(each.unit), text(each.meaning))
        for each in one.columns
        if each.name == one.key or each in one.attributes
    ]
    about = [
        f"- **Grain**: {text(one.grain)}",
        f"- **Key**: `{one.key}`",
        *(
            f"- **Leads on to**: [{link.dimension}](#{link.dimension}), as `{one.name}.{link.name}`"
            for link in one.links
        ),
        f"- **File**: [{one.path}](../{one.path})",
    ]
    return _joined(
        f"### {one.name}",
        text(sentence(one.summary)),
        text(one.description),
        "\n".join(map(narrow, about)),
        table(("grouping", "is", "meaning"), rows),
    )


def _kind(unit: str) -> str:
    if unit == LIST:
        return "several values"
    return "a month" if unit.startswith(MONTH_OF) else "one value"


def _links(links: Iterable[Link]) -> list[str]:
    return [link.name for link in links]


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


if __name__ == "__main__":
    sys.stdout.write(page())
