"""Checks that judge each row of a table by itself: whether one is wrong depends on no other row.

Belongs here: telling that from the query of a check. Such a check needs to look only at rows that changed, and at
those whose time has come since: a row from ``$as_of`` on does not exist yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import expressions as exp
from sqlglot import parse_one

from si_analytics.definitions import Check, Project

_BESIDE_ROWS = (
    *("joins", "laterals", "group", "having", "distinct", "qualify", "windows", "limit", "offset", "sample", "with_"),
)
_OF_OTHERS = (exp.Window, exp.AggFunc, exp.Query, exp.UDTF, exp.Explode)


@dataclass(frozen=True)
class Judged:
    """A table whose rows a check judges, and the column of the check that has such a row's key."""

    table: str
    column: str


def judged(ours: Project, check: Check) -> tuple[Judged, ...]:
    """The tables whose rows `check` judges each by itself, once per part of its query; none where it does not."""
    tree = parse_one(check.text, read="duckdb")
    steps = {common.alias: common.this for common in tree.find_all(exp.CTE)}
    keys = {f"raw.{one.name}": one.key for one in ours.sources.values()}
    keys |= {f"metrics.{name}": metric.key[0] for name, metric in ours.metrics.items() if len(metric.key) == 1}
    if any(one.recursive for one in tree.find_all(exp.With)):
        return ()
    tree.set("with_", None)
    found = []
    for part in _parts(tree, steps):
        read = _read(part, steps)
        columns = [name for name, of in read[1].items() if of == keys.get(read[0])] if read else []
        if read is None or not columns:
            return ()
        found.append(Judged(read[0], columns[0]))
    return tuple(found)


def _parts(query: exp.Expr, steps: Mapping[str, exp.Expr]) -> Iterator[exp.Expr]:
    """The selects whose rows together are those of a query; ``select * from final`` stands for final."""
    if isinstance(query, exp.Union):
        yield from _parts(query.left, steps)
        yield from _parts(query.right, steps)
        return
    step = _table(query)
    plain = isinstance(query, exp.Select) and query.is_star and not query.args.get("where") and _keeps_rows(query)
    if plain and step is not None and step.name in steps and not step.db:
        yield from _parts(steps[step.name], steps)
    else:
        yield query


def _read(query: exp.Expr, steps: Mapping[str, exp.Expr]) -> tuple[str, dict[str, str]] | None:
    """The stored table that a select takes rows of, and which of its columns the select's are; None for any other."""
    table = _table(query)
    if table is None or not isinstance(query, exp.Select) or not _keeps_rows(query):
        return None
    columns = {one.alias_or_name: one.unalias().name for one in query.selects if isinstance(one.unalias(), exp.Column)}
    if table.db:
        return f"{table.db}.{table.name}", columns
    below = _read(steps[table.name], steps) if table.name in steps else None
    if below is None:
        return None
    return below[0], {name: below[1][of] for name, of in columns.items() if of in below[1]}


def _keeps_rows(query: exp.Select) -> bool:
    """Whether each row of a select is one of the table it reads, chosen by nothing but itself."""
    if any(query.args.get(clause) for clause in _BESIDE_ROWS):
        return False
    inside = [*query.expressions, *filter(None, [query.args.get("where")])]
    return not any(one.find(*_OF_OTHERS) for one in inside)


def _table(query: exp.Expr) -> exp.Table | None:
    """The one relation that a select reads, where it has a name."""
    source = query.args.get("from_")
    return source.this if source is not None and isinstance(source.this, exp.Table) else None
