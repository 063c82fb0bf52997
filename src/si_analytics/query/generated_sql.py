"""The SQL generated from declarations, for people to read: what is read, compared, written, granted, checked.

Belongs here: collecting it under the name of a target, a source or a check.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from sqlglot import expressions as exp

from si_analytics.compute import checks, derived_checks
from si_analytics.definitions import Project, project, trees
from si_analytics.definitions.boards import board_table
from si_analytics.definitions.targets import Target
from si_analytics.errors import UnknownNameError
from si_analytics.publish import statements
from si_analytics.schema import generated


def names() -> tuple[str, ...]:
    """Every name that SQL is generated for."""
    ours = project()
    derived = (check.name for check in ours.checks.values() if derived_checks.is_derived(check))
    return tuple(sorted({*ours.targets, *ours.sources, *derived}))


def text(name: str) -> str:
    """All SQL generated for that name; raises UnknownNameError that suggests the nearest.

    A source and a target may share a name; then both have their part.
    """
    ours, known = project(), names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise UnknownNameError(
            f"the generated SQL of '{name}'", "nothing of that name has any", f"{hint}There are: {', '.join(known)}"
        )
    parts = [
        *(_of_source(ours, name) if name in ours.sources else ()),
        *(_of_target(ours.targets[name]) if name in ours.targets else ()),
        *(_of_check(ours, name) if name in ours.checks else ()),
    ]
    return "\n".join(f"-- {heading}\n{sql.strip().rstrip(';')};\n" for heading, sql in parts)


def _of_source(ours: Project, name: str) -> Iterator[tuple[str, str]]:
    (source,) = (read for read in generated.reads(ours) if read.name == name)
    read = exp.select(*generated.values(source, source.columns)).from_(trees.relation(name, "public"))
    yield f"What is read of {name}: all of its rows, in one snapshot.", trees.written(read)
    yield "The view for roles that may not see all of the table.", generated.source_view(source)
    yield f"What {generated.READER} is granted.", generated.reader_grants([source])


def _of_target(target: Target) -> Iterator[tuple[str, str]]:
    yield f"The rows of {target.label} that differ from {target.source}, which is staged.", statements.compare(target)
    yield "Writing one part of them.", statements.write(target)
    if target.is_board:
        yield "Its table.", board_table(target)
        yield "The materialized view that shows it.", generated.board_view(target)
    yield f"What {generated.PUBLISHER} is granted.", generated.publisher_grants([target])


def _of_check(ours: Project, name: str) -> Iterator[tuple[str, str]]:
    if derived_checks.is_derived(ours.checks[name]):
        yield ours.checks[name].summary[:1].upper() + ours.checks[name].summary[1:], checks.of(name).text
