"""Lists what you can ask for: every metric and funnel with its columns, units, parameters, inputs and lineage.

Belongs here: the catalogue as a table, one entry of it column by column, and as Markdown, which ``make catalog``
writes: the page ``docs/metrics.md`` and the marked parts of others. All of it comes from the files under ``sql/``;
reads no warehouse.

    python -m si_analytics.query.catalog          prints the page of metrics and funnels
    python -m si_analytics.query.catalog PAGE     prints PAGE with its marked parts made anew
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import polars as pl

from si_analytics.compute import lineage, metrics
from si_analytics.definitions import Check, Fact, Metric, lookup, project
from si_analytics.errors import UnknownNameError
from si_analytics.query import measure_catalog
from si_analytics.query.markdown import code, narrow, sentence, table, text

_TEXT, _TEXTS = pl.String(), pl.List(pl.String())
_DESCRIBED = pl.Schema([("column", _TEXT), ("unit", _TEXT), ("meaning", _TEXT), ("lineage", _TEXTS)])
_COLUMN = pl.Struct({"name": _TEXT, "unit": _TEXT, "meaning": _TEXT, "lineage": _TEXTS})
_LISTED = pl.Schema(
    [
        *((name, _TEXT) for name in ("name", "kind", "summary", "grain", "parameters", "definition")),
        ("inputs", _TEXTS),
        ("columns", pl.List(_COLUMN)),
    ]
)
_PART = re.compile(r"(<!-- made by make catalog: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
_OPENING = """\
# Metrics and funnels

Made by `make catalog` from the files in `sql/metrics` and `sql/facts`; change those, not this page.
What the numbers mean to the letter, with the conventions they share, is in [definitions.md](definitions.md).
`si metric --list` and `warehouse.metrics()` say the same, `si metric NAME --list` and `warehouse.describe(name)` what
each column of one of them is.

A column *comes from* the operational columns its values are made of. Those that only choose, join or order rows are not
among them; a number of rows comes from the key of the rows that are counted. What comes from none says which moment,
stage or component a row is about.
"""


def listing() -> pl.DataFrame:
    """One row per metric, then one per funnel, by name."""
    rows = [
        {
            "name": name,
            "kind": each.kind,
            "summary": each.summary,
            "grain": each.grain,
            "parameters": " · ".join(f"${one.name}  {one.meaning}" for one in each.params),
            "definition": metrics.one_line(each.description),
            "inputs": list(_inputs(each)),
            "columns": described(name).rename({"column": "name"}).to_dicts(),
        }
        for name, each in project().computed.items()
    ]
    return pl.DataFrame(rows, schema=_LISTED)


def described(name: str) -> pl.DataFrame:
    """One row per column of metric or funnel `name`, in order: its meaning and where it comes from."""
    origins = lineage.column_lineage(name)
    rows = [
        {
            "column": column.name,
            "unit": column.unit,
            "meaning": column.meaning,
            "lineage": [f"{table}.{field}" for table, field in origins.get(column.name, ())],
        }
        for column in lookup(project().computed, name, "metric").columns
    ]
    return pl.DataFrame(rows, schema=_DESCRIBED)


def page() -> str:
    """The catalogue as Markdown."""
    every = tuple(project().computed.items())
    kinds = {"metric": "Metrics", "funnel": "Funnels"}
    parts = [_OPENING]
    for kind, heading in kinds.items():
        of_kind = [(name, each) for name, each in every if each.kind == kind]
        links = [(f"[{name}](#{name})", text(each.summary)) for name, each in of_kind]
        parts.append(f"## {heading}\n\n{table((kind, 'what it is'), links)}")
        parts += [_entry(name, each) for name, each in of_kind]
    return "\n".join(parts)


def filled(text: str) -> str:
    """A page with the parts between its markers as the declarations have them.

    ``<!-- made by make catalog: funnels -->`` to ``<!-- end -->`` is one. Raises UnknownNameError for a part that
    nobody makes.
    """
    return _PART.sub(lambda found: f"{found[1]}\n{_part(found[2])}\n{found[3]}", text)


def _part(name: str) -> str:
    if name not in PARTS:
        raise UnknownNameError(f"the part '{name}' of a page", "nothing makes it", f"There are: {', '.join(PARTS)}")
    return PARTS[name]()


def _funnels() -> str:
    return "\n".join(_stages(name, one) for name, one in project().funnels.items())


def _stages(name: str, one: Fact) -> str:
    unit = one.column(one.key[0]).meaning
    facts = f"**Unit**: {text(unit)}. **Broken down by**: {code(one.breakdowns)} ([columns](metrics.md#{name}))."
    rows = [(f"*{stage.name}*", text(stage.meaning)) for stage in one.stages]
    return "\n\n".join(
        (f"#### {name}", text(sentence(one.summary)), narrow(facts, ""), table(("stage", "reached"), rows))
    )


def _checks(severity: str) -> str:
    every = [check for check in project().checks.values() if check.severity == severity]
    return table(("check", "what it finds", "a row is", "remedy"), map(_check, every))


def _check(one: Check) -> tuple[str, ...]:
    found = f"{sentence(one.summary)} {metrics.one_line(one.description)}".strip()
    return f"`{one.name}`", text(found), text(one.grain), text(one.remedy)


PARTS: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "funnels": _funnels,
        "blocking checks": lambda: _checks("blocking"),
        "warnings": lambda: _checks("warning"),
        "facts": measure_catalog.facts_table,
    }
)
"""What a page can have between markers, by the name in the marker."""


def _entry(name: str, one: Metric | Fact) -> str:
    facts = [
        f"- **Grain**: {text(one.grain)}",
        f"- **Key**: {code(one.key)}",
        *(f"- **Parameter** `${each.name}`: {text(each.meaning)}" for each in one.params),
        f"- **Reads**: {code(_inputs(one))}",
        f"- **File**: [{one.path}](../{one.path})",
    ]
    rows = [
        (f"`{row['column']}`", row["unit"], text(row["meaning"]), code(row["lineage"]))
        for row in described(name).to_dicts()
    ]
    texts = (f"### {name}", text(sentence(one.summary)), text(one.description), "\n".join(map(narrow, facts)))
    return (
        "\n\n".join(each for each in texts if each) + "\n\n" + table(("column", "unit", "meaning", "comes from"), rows)
    )


def _inputs(one: Metric | Fact) -> tuple[str, ...]:
    """The tables with a schema that it reads, without those that the library lays out itself."""
    return tuple(table for table in one.inputs if "." in table)


if __name__ == "__main__":
    pages = [Path(name).read_text(encoding="utf-8") for name in sys.argv[1:]]
    sys.stdout.write("".join(map(filled, pages)) if pages else page())
