"""What Dagster shows of a step after it ran: rows, seconds, the moment described, the first rows.

Belongs here: turning results of the library into metadata. Escapes every value that comes from a table,
so that nobody's name or company can be markup.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import compress
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from pipelines import columns, kpis
from si_analytics.compute import checks, facts
from si_analytics.definitions import project
from si_analytics.extract import TableExtract
from si_analytics.publish import TargetChange
from si_analytics.query.warehouse import Warehouse
from si_analytics.refresh import Refresh
from si_analytics.refresh.backfill import HistoryReport

_SHOWN_ROWS = 10
_FEWEST_ROWS = 3
_SHOWN_AT_ONCE = 1000  # the UI hides a longer Markdown text behind a link
_SHOWN_CHARACTERS = 80
_MARKUP = re.compile(r"([!-/:-@\[-`{-~])")
_UNSHOWN_COLUMNS = frozenset({"avatar"})


def moment(refresh: Refresh) -> dict[str, Any]:
    """The moment the rows describe, the snapshot they come from, and what is counted differently than before."""
    return {
        "as_of": dg.MetadataValue.timestamp(refresh.parameters.window.as_of),
        "currency": refresh.settings.currency,
        "snapshot": refresh.snapshot.id,
        "refresh_id": str(refresh.refresh_id),
        **({"counted otherwise": "; ".join(refresh.moved)} if refresh.moved else {}),
    }


def extracted(refresh: Refresh, table: TableExtract) -> dict[str, Any]:
    """What was read of one table."""
    money = {} if table.money is None else {"money": str(table.money)}
    return {
        "dagster/row_count": table.rows,
        **columns.described(columns.of_extract(table.table), _types(refresh.connection.table(f"raw.{table.table}"))),
        **columns.lineage_of(project().sources[table.table]),
        "mode": table.mode,
        **{name: number for name, number in _moved(table) if number is not None},
        "seconds": round(table.seconds, 3),
        **{name: text for name, text in (("why in full", table.reason), ("drift", table.drift)) if text},
        **money,
        **moment(refresh),
    }


def _moved(table: TableExtract) -> tuple[tuple[str, int | None], ...]:
    """How many rows were added, changed and removed; None for what a full reading cannot tell."""
    counts = (("inserted", table.inserted), ("updated", table.updated), ("deleted", table.deleted))
    return (("changed rows", table.changed), *counts)


def computed(refresh: Refresh, name: str, rows: int, seconds: float) -> dict[str, Any]:
    """What was computed of one metric, and its first rows in the metric's own order."""
    relation = refresh.connection.table(f"metrics.{name}")
    drawn = kpis.chart(refresh.connection, name)
    return {
        "dagster/row_count": rows,
        **columns.described(columns.of_metric(name), _types(relation)),
        **columns.lineage_of(project().metrics[name]),
        "seconds": round(seconds, 3),
        **_upkeep(refresh, f"metrics.{name}"),
        "first rows": dg.MetadataValue.md(_first_rows(relation)),
        **({"chart": dg.MetadataValue.md(markdown(*drawn))} if drawn else {}),
        **kpis.of(refresh.connection, name),
        **moment(refresh),
    }


def laid_out(refresh: Refresh, table: str, rows: int, seconds: float) -> dict[str, Any]:
    """What was stored of one fact or dimension."""
    one = facts.of(table)
    return {
        "dagster/row_count": rows,
        **columns.described(columns.of_fact(one), _types(refresh.connection.table(table))),
        **columns.lineage_of(one),
        "seconds": round(seconds, 3),
        **_upkeep(refresh, table),
        **moment(refresh),
    }


def _upkeep(refresh: Refresh, table: str) -> dict[str, Any]:
    """How many rows changed, where that is known, and why the whole was computed, where it was."""
    stored = refresh.stored.get(table)
    if stored is None:
        return {}
    changed = {} if stored.changed is None else {"changed rows": stored.changed}
    return {**changed, **({"why in full": stored.reason} if stored.reason else {})}


def published(refresh: Refresh, change: TargetChange) -> dict[str, Any]:
    """What was written to one target."""
    return {
        **columns.lineage_of_target(project().targets[change.target]),
        "changed rows": change.changed,
        "inserted": change.inserted,
        "updated": change.updated,
        "deleted": change.deleted,
        "skipped": change.skipped,
        **({"why in full": change.reason} if change.reason else {}),
        "warnings": sum(not refresh.check(name).passed for name in checks.names()),
        "seconds": round(change.seconds, 3),
        **moment(refresh),
    }


def filled(name: str, report: HistoryReport) -> dict[str, Any]:
    """How many days of a metric's history were filled, with how many rows, from which refresh."""
    return {
        **columns.lineage_of_history(name),
        "days": report.days,
        "rows": report.rows,
        "seconds": round(report.seconds, 3),
        "as_of": dg.MetadataValue.timestamp(report.as_of),
        "currency": report.currency,
        "timezone": report.timezone,
    }


def exported(
    warehouse: Warehouse, pages: Sequence[Path], tables: Sequence[Path], exports: Path, address: str | None
) -> dict[str, Any]:
    """Which files were written, of which refresh; `address` is where a web server serves the folder `exports`."""
    files = [*pages, *tables]
    named = {path.suffix.removeprefix("."): path for path in pages}
    links = {
        f"open {kind}": dg.MetadataValue.url(f"{address.rstrip('/')}/{path.relative_to(exports).as_posix()}")
        for kind, path in named.items()
        if address
    }
    return {
        **links,
        **{kind: dg.MetadataValue.path(path) for kind, path in named.items()},
        **({"tables": dg.MetadataValue.path(tables[0].parent)} if tables else {}),
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
        "as_of": dg.MetadataValue.timestamp(warehouse.as_of),
        "currency": warehouse.currency,
        "snapshot": warehouse.snapshot,
        "refresh_id": warehouse.refresh_id,
    }


def checked(result: checks.CheckResult) -> dict[str, Any]:
    """How many rows a check found, how long it took, and the first rows: keys, amounts and times, no names."""
    rows = [tuple(row.values()) for row in result.sample]
    first = {"first rows": dg.MetadataValue.md(markdown(list(result.sample[0]), rows))} if rows else {}
    return {"rows": result.rows, "seconds": round(result.seconds, 3), **first}


def markdown(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    """A Markdown table whose cells are plain text."""
    lines = [_line(columns), "|" + " --- |" * len(columns)]
    return "\n".join([*lines, *(_line(row) for row in rows)])


def _line(cells: Any) -> str:
    return "| " + " | ".join(_text(cell) for cell in cells) + " |"


def _text(value: Any) -> str:
    """`value` on one line, shortened, with a backslash before every character Markdown could take as markup."""
    text = "" if value is None else " ".join(str(value).split())
    short = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
    return _MARKUP.sub(r"\\\1", short)


def _without(names: Sequence[str], left_out: Sequence[str]) -> list[str]:
    return [name for name in names if name not in left_out]


def _types(relation: duckdb.DuckDBPyRelation) -> dict[str, str]:
    return {name: str(kind).lower() for name, kind in zip(relation.columns, relation.types, strict=True)}


def _first_rows(relation: duckdb.DuckDBPyRelation) -> str:
    """As many of the first rows as the UI shows at once, without columns that are empty in all of them.

    Ids, which are long and say little, come last.
    """
    ids = [name for name, kind in _types(relation).items() if kind == "uuid"]
    relation = relation.select(*(duckdb.ColumnExpression(n) for n in (*_without(relation.columns, ids), *ids)))
    rows = relation.limit(_SHOWN_ROWS).fetchall()
    said = [name not in _UNSHOWN_COLUMNS for name in relation.columns]
    if rows:
        said = [
            keep and any(cell is not None for cell in cells)
            for keep, cells in zip(said, zip(*rows, strict=True), strict=True)
        ]
    shown = [tuple(compress(row, said)) for row in rows]
    table = markdown(list(compress(relation.columns, said)), shown)
    while len(table) >= _SHOWN_AT_ONCE and len(shown) > _FEWEST_ROWS:
        table = table[: table.rindex("\n")]
        shown.pop()
    return table
