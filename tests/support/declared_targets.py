"""The published tables, and SQL made comparable token by token."""

from __future__ import annotations

import sqlglot
from sqlglot import expressions as exp

from si_analytics.definitions import project
from si_analytics.definitions.owners import Owner, owner
from si_analytics.definitions.targets import Target


def every(name: str) -> Owner:
    """Whose rows a target of ``every`` such dimension has."""
    return owner(name, project().dimensions[name].text)


def targets_of_today() -> tuple[Target, ...]:
    """The tables that a refresh publishes."""
    return tuple(project().targets.values())


def target(name: str) -> Target:
    return project().targets[name]


def normalised(text: str, dialect: str = "postgres") -> list[str]:
    """Each statement of a text as SQLGlot writes it: without comments, layout and quotes that are not needed.

    `agent_profiles` is called by its own name, where some of the files call it `profiles`.
    """
    return [_normal(tree).sql(dialect, comments=False) for tree in sqlglot.parse(text, read=dialect) if tree]


def _normal(tree: exp.Expr) -> exp.Expr:
    for name in tree.find_all(exp.Identifier):
        name.set("quoted", False)
        if name.this == "profiles":
            name.set("this", "agent_profiles")
    return tree
