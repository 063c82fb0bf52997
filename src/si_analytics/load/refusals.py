"""Says in one sentence what Postgres refused, without the value it refused.

Belongs here: turning its errors into LoadError with file, line or row, column and remedy.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
from psycopg import errors

from si_analytics import postgres
from si_analytics.errors import AnalyticsError, ServerError
from si_analytics.load.target import NOTHING_CHANGED, LoadColumn, LoadTarget, Rule, refusal
from si_analytics.load.unfit import shape

if TYPE_CHECKING:
    from si_analytics.load.reading import LoadFile

# The words depend on the server's language, their order does not: COPY load_deals, line 5, column amount: "..."
_QUOTED = re.compile(r': "(.*)"\s*$', re.DOTALL)
_PLACE = re.compile(r"^COPY [^,\n]+, \w+ (\d+)(?:, \w+ ([^:\n]+))?", re.MULTILINE)


def told(error: psycopg.Error, source: LoadFile) -> AnalyticsError:
    """Returns the error to raise instead."""
    target = source.target
    where, column = _place(error, source)
    rule = target.rules.get(error.diag.constraint_name or "")
    for kind, explain in (
        (errors.UniqueViolation, _doubled),
        (errors.CheckViolation, _against_a_rule),
        (errors.ForeignKeyViolation, _dangling),
    ):
        if isinstance(error, kind):
            found, remedy = explain(error, target, rule)
            return refusal(source.name, where + found, remedy)
    if isinstance(error, errors.NotNullViolation):
        found = f"{where}the column {error.diag.column_name} is empty, and every row needs a value there"
        return refusal(source.name, found, "Fill it in")
    if (error.sqlstate or "").startswith("22"):
        known = target.columns.get(column or "")
        return refusal(source.name, f"{where}{_misfit(error, known, column)}", "Correct it")
    return _otherwise(error, source, where)


def _misfit(error: psycopg.Error, column: LoadColumn | None, name: str | None) -> str:
    """Returns that a value does not fit, with its shape; Postgres quotes the value at the end of the context."""
    found = _QUOTED.search(error.diag.context or "")
    value = f", and it looks like '{shape(found[1])}'" if found and found[1] else ""
    kind = f"a value that fits {column.type}" if column else "a value that Postgres can store"
    return f"{f'column {name}: ' if name else ''}it is not {kind}{value}"


def _doubled(_: psycopg.Error, target: LoadTarget, rule: Rule | None) -> tuple[str, str]:
    listed = ", ".join(rule.columns) if rule else "its key"
    found = f"the value of {listed} is there already, in the file or in the table {target.table}"
    return found, "Remove or correct the row"


def _against_a_rule(error: psycopg.Error, _: LoadTarget, rule: Rule | None) -> tuple[str, str]:
    definition = f", {rule.definition}" if rule else ""
    return f"it breaks the rule {error.diag.constraint_name}{definition}", "Correct it"


def _dangling(_: psycopg.Error, __: LoadTarget, rule: Rule | None) -> tuple[str, str]:
    listed = ", ".join(rule.columns) if rule else "a key"
    refers_to = f"the table {rule.refers_to}" if rule else "the table it refers to"
    return f"{listed} names a row that {refers_to} does not hold", "Correct it, or load that row too"


def _place(error: psycopg.Error, source: LoadFile) -> tuple[str, str | None]:
    match = _PLACE.search(error.diag.context or "")
    if match is None:
        return "", None
    column = match.group(2)
    return f"{source.file.at(int(match.group(1)))}{', ' if column else ': '}", column


def _otherwise(error: psycopg.Error, source: LoadFile, where: str) -> AnalyticsError:
    if isinstance(error, errors.InsufficientPrivilege):
        remedy = "Grant select, insert and, to load again, update and delete on it, and temp on the database"
        return refusal(source.name, "this user may not write to the table", f"{remedy}; or use another user")
    if isinstance(error, errors.LockNotAvailable):
        return refusal(source.name, "another session kept it waiting", "Try again when that session is done")
    limit = postgres.time_limit(error)
    if limit or isinstance(error, psycopg.OperationalError):
        said = " ".join((error.diag.message_primary or str(error)).split())
        remedy = f"{limit or 'See that the server is up and has room'}; {NOTHING_CHANGED}"
        return ServerError(f"loading {source.name}", said, remedy)
    # A trigger's own message might quote the row, so we give only the code of the error.
    found = f"{where}Postgres refused it (SQLSTATE {error.sqlstate})"
    return refusal(source.name, found, "See the server's log")
