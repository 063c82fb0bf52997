"""What Dagster shows of a step after it ran: rows, seconds, the moment described, the first rows.

Belongs here: turning results of the library into metadata. Every value that comes from a table is
escaped, so that nobody's name or company can be markup. May import: `dagster`, `si_analytics`,
`pipelines.headlines`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import compress
from typing import Any

import dagster as dg
import duckdb

from pipelines import headlines
from si_analytics import checks, contract, definitions, lineage, schema
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
        "dagster/column_schema": _columns(refresh.connection.table(f"raw.{table.table}"), _read_from(table.table)),
        "dagster/column_lineage": _lineage("extract", table.table),
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
    drawn = headlines.chart(refresh.connection, name)
    return {
        "dagster/row_count": rows,
        "dagster/column_schema": _columns(relation, _meanings(name)),
        "dagster/column_lineage": _lineage("metrics", name),
        "seconds": round(seconds, 3),
        "first rows": dg.MetadataValue.md(_first_rows(relation)),
        **({"chart": dg.MetadataValue.md(markdown(*drawn))} if drawn else {}),
        **headlines.of(refresh.connection, name),
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
        "warnings": sum(not refresh.check(name).passed for name in checks.names()),
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


def _columns(relation: duckdb.DuckDBPyRelation, says: Mapping[str, str]) -> dg.TableSchema:
    pairs = zip(relation.columns, relation.types, strict=True)
    return dg.TableSchema([dg.TableColumn(name, str(kind).lower(), says.get(name)) for name, kind in pairs])


def _meanings(name: str) -> dict[str, str]:
    """What each column of a metric says, and its unit."""
    columns = definitions.of(name).columns
    return {one.name: f"{one.meaning} ({one.unit})" if one.unit else one.meaning for one in columns}


def _read_from(table: str) -> dict[str, str]:
    """Which column of Postgres each extracted column is."""
    return {one.name: f"{table}.{one.name} in Postgres, {one.type}" for one in contract.columns(table)}


def _lineage(folder: str, name: str) -> dg.TableColumnLineage:
    """The columns of other assets that each column is made of; those of Postgres stand in their schema's section."""
    section_of = {table: section.name for section in schema.sections() for table in section.tables}
    made: dict[str, list[dg.TableColumnDep]] = {}
    for column, origins in lineage.column_inputs(folder, name).items():
        for table, read in origins:
            space, _, bare = table.partition(".")
            if space == "public" and bare in section_of:
                dep = dg.TableColumnDep(dg.AssetKey(["operational", section_of[bare]]), f"{bare}.{read}")
            elif space in {"raw", "metrics"}:
                dep = dg.TableColumnDep(dg.AssetKey([space, bare]), read)
            else:
                continue  # the library's own records, which no asset stands for
            made.setdefault(column, []).append(dep)
    return dg.TableColumnLineage(made)


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
