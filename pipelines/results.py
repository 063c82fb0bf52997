"""What Dagster shows of a step after it ran: rows, seconds, the moment described, the first rows.

Belongs here: turning results of the library into metadata. Every value that comes from a table is
escaped, so that nobody's name or company can be markup. May import: `dagster`, `si_analytics`.
"""

from __future__ import annotations

import re
from itertools import compress
from typing import Any

import dagster as dg
import duckdb

from si_analytics import checks
from si_analytics.extract import TableExtract
from si_analytics.history import HistoryReport
from si_analytics.publish import TargetChange
from si_analytics.refresh import Refresh

_SHOWN_ROWS = 10
_SHOWN_CHARACTERS = 80
_MARKUP = re.compile(r"([!-/:-@\[-`{-~])")
_UNSHOWN_COLUMNS = frozenset({"avatar"})


def moment(refresh: Refresh) -> dict[str, Any]:
    """Which moment the rows describe, and out of which snapshot."""
    return {
        "as_of": dg.MetadataValue.timestamp(refresh.parameters.window.as_of),
        "currency": refresh.settings.currency,
        "snapshot": refresh.snapshot.id,
        "refresh_id": str(refresh.refresh_id),
    }


def extracted(refresh: Refresh, table: TableExtract) -> dict[str, Any]:
    """What was read of one table."""
    money = {} if table.money is None else {"money": str(table.money)}
    return {
        "dagster/row_count": table.rows,
        "dagster/column_schema": _columns(refresh.connection.table(f"raw.{table.table}")),
        "mode": table.mode,
        "inserted": table.inserted,
        "updated": table.updated,
        "deleted": table.deleted,
        "seconds": round(table.seconds, 3),
        **{name: text for name, text in (("why in full", table.reason), ("drift", table.drift)) if text},
        **money,
        **moment(refresh),
    }


def computed(refresh: Refresh, name: str, rows: int, seconds: float) -> dict[str, Any]:
    """What was computed of one metric, and its first rows in the metric's own order."""
    relation = refresh.connection.table(f"metrics.{name}")
    return {
        "dagster/row_count": rows,
        "dagster/column_schema": _columns(relation),
        "seconds": round(seconds, 3),
        "first rows": dg.MetadataValue.md(_first_rows(relation)),
        **moment(refresh),
    }


def published(refresh: Refresh, change: TargetChange) -> dict[str, Any]:
    """What was written to one target."""
    return {
        "changed rows": change.changed,
        "inserted": change.inserted,
        "updated": change.updated,
        "deleted": change.deleted,
        "skipped": change.skipped,
        "seconds": round(change.seconds, 3),
        **moment(refresh),
    }


def filled(report: HistoryReport) -> dict[str, Any]:
    """How many days were filled, with how many rows, out of which refresh."""
    return {
        "days": report.days,
        "rows": report.rows,
        "seconds": round(report.seconds, 3),
        "as_of": dg.MetadataValue.timestamp(report.as_of),
        "currency": report.currency,
        "timezone": report.timezone,
    }


def checked(result: checks.CheckResult) -> dict[str, Any]:
    """How many rows a check found, in how long, and the first of them: keys, amounts and times, no names."""
    rows = [tuple(row.values()) for row in result.sample]
    first = {"first rows": dg.MetadataValue.md(markdown(list(result.sample[0]), rows))} if rows else {}
    return {"rows": result.rows, "seconds": round(result.seconds, 3), **first}


def markdown(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    """A Markdown table whose cells are text and nothing else."""
    lines = [_line(columns), "|" + " --- |" * len(columns)]
    return "\n".join([*lines, *(_line(row) for row in rows)])


def _line(cells: Any) -> str:
    return "| " + " | ".join(_text(cell) for cell in cells) + " |"


def _text(value: Any) -> str:
    """`value` on one line, shortened, with a backslash before all that Markdown could take as markup."""
    text = "" if value is None else " ".join(str(value).split())
    short = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
    return _MARKUP.sub(r"\\\1", short)


def _columns(relation: duckdb.DuckDBPyRelation) -> dg.TableSchema:
    pairs = zip(relation.columns, relation.types, strict=True)
    return dg.TableSchema([dg.TableColumn(name, str(kind).lower()) for name, kind in pairs])


def _first_rows(relation: duckdb.DuckDBPyRelation) -> str:
    """The first rows; a column that says nothing in any of them is left out."""
    rows = relation.limit(_SHOWN_ROWS).fetchall()
    said = [name not in _UNSHOWN_COLUMNS for name in relation.columns]
    if rows:
        said = [
            keep and any(cell is not None for cell in cells)
            for keep, cells in zip(said, zip(*rows, strict=True), strict=True)
        ]
    return markdown(list(compress(relation.columns, said)), [tuple(compress(row, said)) for row in rows])
