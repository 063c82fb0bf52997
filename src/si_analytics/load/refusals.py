"""What Postgres refused, said in one sentence without the value it refused.

Belongs here: turning its errors into LoadError with file, line or row, column and remedy.
May import: `errors`, `postgres`, `target`.
"""

from __future__ import annotations

import re
from typing import Protocol

import psycopg
from psycopg import errors

from si_analytics import postgres
from si_analytics.errors import AnalyticsError, ServerError
from si_analytics.load.target import NOTHING_CHANGED, Rule, Target, refusal

# The words differ with the server's language, their order does not: COPY deals, line 5, column amount: "..."
_PLACE = re.compile(r"^COPY [^,\n]+, \w+ (\d+)(?:, \w+ ([^:\n]+))?", re.MULTILINE)
_KEY = re.compile(r"\(([^)]+)\)=\((.*?)\)")


class Source(Protocol):
    """A file that was being loaded."""

    @property
    def name(self) -> str:
        """The file's name."""

    @property
    def place(self) -> str:
        """What its rows are counted in."""

    def find(self, column: str, wanted: str) -> int | None:
        """Where the first row with that id in the column stands."""


def told(error: psycopg.Error, source: Source, target: Target) -> AnalyticsError:
    """The error to raise instead."""
    where, column = _place(error, source)
    rule = target.rules.get(error.diag.constraint_name or "")
    for kind, explain in (
        (errors.BadCopyFileFormat, _malformed),
        (errors.UniqueViolation, _doubled),
        (errors.CheckViolation, _against_a_rule),
    ):
        if isinstance(error, kind):
            found, remedy = explain(error, target, rule)
            return refusal(source.name, where + found, remedy)
    if isinstance(error, errors.ForeignKeyViolation):
        found, remedy = _dangling(rule)
        return refusal(source.name, _searched(error, source) + found, remedy)
    if isinstance(error, errors.NotNullViolation):
        found = f"{where}the column {error.diag.column_name} is empty, and every row needs a value there"
        return refusal(source.name, found, "Fill it in")
    if (error.sqlstate or "").startswith("22"):
        known = target.columns.get(column or "")
        kind_of_value = f"a value that fits {known.type}" if known else "a value that Postgres can store"
        named = f"column {column}: " if column else ""
        return refusal(source.name, f"{where}{named}it is not {kind_of_value}", "Correct it")
    return _otherwise(error, source, where)


def _malformed(error: psycopg.Error, _: Target, __: Rule | None) -> tuple[str, str]:
    said = error.diag.message_primary or "it cannot be read"
    return f"the row is malformed ({said})", "Check its quotes and commas"


def _doubled(_: psycopg.Error, target: Target, rule: Rule | None) -> tuple[str, str]:
    listed = ", ".join(rule.columns) if rule else "its key"
    found = f"the value of {listed} is there already, in the file or in the table {target.table}"
    return found, "Remove or correct the row"


def _against_a_rule(error: psycopg.Error, _: Target, rule: Rule | None) -> tuple[str, str]:
    definition = f", {rule.definition}" if rule else ""
    return f"it breaks the rule {error.diag.constraint_name}{definition}", "Correct it"


def _dangling(rule: Rule | None) -> tuple[str, str]:
    listed = ", ".join(rule.columns) if rule else "a key"
    refers_to = f"the table {rule.refers_to}" if rule else "the table it refers to"
    return f"{listed} names a row that {refers_to} does not hold", "Correct it, or load that row too"


def _place(error: psycopg.Error, source: Source) -> tuple[str, str | None]:
    match = _PLACE.search(error.diag.context or "")
    if match is None:
        return "", None
    return f"{source.place} {match.group(1)}, " if match.group(
        2
    ) else f"{source.place} {match.group(1)}: ", match.group(2)


def _searched(error: psycopg.Error, source: Source) -> str:
    """Where the row with a broken reference stands: keys are checked at the end, without a place."""
    match = _KEY.search(error.diag.message_detail or "")
    if match is None or "," in match.group(1):
        return ""
    line = source.find(match.group(1), match.group(2))
    return "" if line is None else f"{source.place} {line}: "


def _otherwise(error: psycopg.Error, source: Source, where: str) -> AnalyticsError:
    if isinstance(error, errors.InsufficientPrivilege):
        return refusal(source.name, "this user may not write to the table", "Grant insert on it, or use another user")
    limit = postgres.time_limit(error)
    if limit or isinstance(error, psycopg.OperationalError):
        said = " ".join((error.diag.message_primary or str(error)).split())
        remedy = f"{limit or 'See that the server is up and has room'}; {NOTHING_CHANGED}"
        return ServerError(f"loading {source.name}", said, remedy)
    # A trigger's own words might quote the row: the code says what kind of error it was.
    found = f"{where}Postgres refused it (SQLSTATE {error.sqlstate})"
    return refusal(source.name, found, "See the server's log")
