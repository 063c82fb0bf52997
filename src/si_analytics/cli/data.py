"""`si sample`, `si load`, `si refresh`: fill the database, and refresh every number."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from si_analytics.cli.output import Json, Progress, as_json, note, say, table

if TYPE_CHECKING:
    from si_analytics.extract import TableExtract
    from si_analytics.publish.staging import RowChange
    from si_analytics.refresh.run_log import RefreshReport
    from si_analytics.settings import Settings

_LISTED = 1_000  # rows of a target; only a program wants more
_CHANGES = ("inserted", "updated", "deleted")


def sample(
    scale: Annotated[float, typer.Option(help="Size; 1 is about 2,000 users and 25,000 transactions.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same scale and seed give the same rows.")] = 1,
    json: Json = False,
) -> None:
    """Fill an empty schema with a synthetic marketplace.

    Where this very sample is there already, nothing is done; tables that hold anything else are left alone.
    """
    from si_analytics import sample as sampling
    from si_analytics import settings

    with Progress("making a marketplace", quiet=json) as progress:
        report = sampling.generate(settings.load(), scale=scale, seed=seed, progress=progress)
    if json:
        as_json(report)
    elif report.already_there:
        say(f"This sample (scale {scale:g}, seed {seed}) is already there; nothing to do")
    else:
        say(_loaded(report.rows, report.seconds))


def load(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder of files named after tables: deals.csv, users.parquet.")
    ],
    upsert: Annotated[
        bool, typer.Option("--upsert", help="Overwrite rows whose primary key is there; otherwise they are refused.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="As --upsert, and remove the rows of these tables that no file holds.")
    ] = False,
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="The IANA zone of times that name none; otherwise refused.")
    ] = None,
    separator: Annotated[
        str | None, typer.Option(metavar="MARK", help="What separates the columns of a CSV file: ';' or tab.")
    ] = None,
    decimal: Annotated[
        str | None, typer.Option(metavar="MARK", help="The decimal mark, . or , and the other one sets off thousands.")
    ] = None,
    dates: Annotated[
        str | None, typer.Option(metavar="ORDER", help="day-first or month-first: how 05.06.2026 is meant.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(metavar="NAME", help="How CSV files without a byte order mark are written; UTF-8.")
    ] = None,
    json: Json = False,
) -> None:
    """Load your own CSV or Parquet files.

    They go into the tables they are named after, all of them or none. Columns are matched by name; rows are added to
    those that are there. A value is loaded exactly or refused.
    """
    from si_analytics import load as loading
    from si_analytics import settings
    from si_analytics.errors import UsageError

    if upsert and replace:
        raise UsageError("--upsert with --replace", "they mean different things", "Give one of them")
    options = loading.Options(
        separator=separator,
        decimal=decimal,
        dates=dates,
        encoding=encoding,
        timezone=timezone,
        mode="upsert" if upsert else "replace" if replace else "add",
    )
    with Progress("loading", quiet=json) as progress:
        report = loading.load(settings.load(), folder, options=options, progress=progress)
    if json:
        as_json(report)
        return
    if options.mode != "add":
        changed = ("inserted", "updated", "removed", "unchanged")
        rows = [(name, *(f"{getattr(one, what):,}" for what in changed)) for name, one in report.changes.items()]
        table(("table", *changed), rows, changed)
    say(_loaded(report.rows, report.seconds))
    for sentence in report.notes:
        note(f"warning: {sentence}")
    if report.ignored:
        note(f"Left aside, being neither CSV nor Parquet: {', '.join(report.ignored)}")


def refresh(
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help="The moment to describe, like 2026-06-01, 2026-06-01T09:00:00Z or yesterday (its first moment);"
            " default: now. A past one is old times with today's statuses, not time travel.",
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read every row anew; otherwise what changed since the last refresh is read.")
    ] = False,
    accept_change: Annotated[
        bool,
        typer.Option(
            "--accept-change",
            help="Publish also where more agents than SI_MAX_LOSING_SHARE allows would lose all they earned.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Write nothing; print each row that would be inserted, updated or deleted."),
    ] = False,
    json: Json = False,
) -> None:
    """Extract, compute, check and publish all numbers.

    It is done whole or not at all. Notebooks and dashboards read the last refresh meanwhile, and the new one
    from when it has ended.
    """
    from si_analytics import settings
    from si_analytics.refresh import steps as refreshing

    current = settings.load()
    moment = None if as_of is None else meant(as_of, current, datetime.now(UTC))
    if dry_run:
        _preview(current, moment, full, json)
        return
    with _told_who_would_lose(json), Progress("refreshing", quiet=json) as progress:
        report = refreshing.run(current, as_of=moment, full=full, accept_change=accept_change, listen=progress)
    if json:
        as_json(_as_dict(report))
        return
    _warn(report)
    for warning in report.warnings:
        note(f"warning: {warning}")
    _say_what_moved(report.moved)
    say(_read(report))
    say(
        f"Refreshed as of {report.as_of.isoformat()}: {report.rows_written:,} rows written to Postgres,"
        f" {len(report.metrics)} metrics in {current.warehouse}, {report.seconds:.1f} s"
    )


def meant(as_of: str, current: Settings, now: datetime) -> datetime:
    """The moment to describe that was typed; words like ``yesterday`` count from `now`."""
    from si_analytics.periods import windows

    return windows.instant(as_of, current.timezone, name="--as-of", as_of=now, calendar=current.calendar)


def _preview(current: Settings, moment: datetime | None, full: bool, json: bool) -> None:
    """Print what a refresh would write."""
    from si_analytics.refresh import steps as refreshing

    with Progress("computing", quiet=json) as progress:
        as_of, found = refreshing.preview(current, as_of=moment, full=full, listen=progress)
    if json:
        refused = None if found.refused is None else str(found.refused)
        as_json({"as_of": as_of, "counts": found.counts, "rows": found.rows, "refused": refused, "moved": found.moved})
        return
    table(("target", "action", "key", "what"), _shown(found.rows))
    for target, counts in found.counts.items():
        if sum(counts.values()) > _LISTED:
            note(f"{target}: {sum(counts.values()) - _LISTED:,} more rows; all of them with --json")
    if found.refused is not None:
        note(f"It would be refused: {found.refused.found}")
    _say_what_moved(found.moved)
    counted = ", ".join(f"{target} {sum(counts.values()):,}" for target, counts in found.counts.items())
    say(f"Would write, as of {as_of.isoformat()}: {counted} rows. Nothing was written")


def _say_what_moved(moved: Iterable[str]) -> None:
    for sentence in moved:
        say(f"Numbers moved though no row did: {sentence[0].lower()}{sentence[1:]}")


def _shown(rows: Iterable[RowChange]) -> list[tuple[str, str, str, str]]:
    """The first rows of each target in words: ``users  update  id 7...  rating 4.5 -> 4.4``."""
    listed: Counter[str] = Counter()
    found = []
    for row in rows:
        listed[row.target] += 1
        if listed[row.target] <= _LISTED:
            columns = row.after or row.before
            words = [_word(row, name) for name in columns]
            found.append((row.target, row.action, " ".join(map(str, row.key.values())), ", ".join(words)))
    return found


def _word(row: RowChange, name: str) -> str:
    if row.action == "update":
        return f"{name} {_plain(row.before[name])} -> {_plain(row.after[name])}"
    return f"{name} {_plain({**row.before, **row.after}[name])}"


def _plain(value: object) -> str:
    if value is None:
        return "null"
    return value.isoformat() if isinstance(value, datetime) else str(value)


@contextlib.contextmanager
def _told_who_would_lose(json: bool) -> Iterator[None]:
    """If the gate refuses a change, print every agent it affects, then re-raise the error."""
    from si_analytics.errors import ImplausibleChangeError

    try:
        yield
    except ImplausibleChangeError as error:
        if json:
            as_json({"refused": str(error), "agents": error.rows})
        else:
            rows = [tuple(row.values()) for row in error.rows]
            table(("agent_id", "total_earnings", "reason"), rows, ("total_earnings",))
        raise


def _loaded(rows: dict[str, int], seconds: float) -> str:
    tables = f"{len(rows)} table{'' if len(rows) == 1 else 's'}"
    return f"Loaded {sum(rows.values()):,} rows into {tables} in {seconds:.1f} s"


def _read(report: RefreshReport) -> str:
    """What was read: how many rows changed; which tables were read whole, and why."""
    changed = [one for one in report.extracts if one.mode == "incremental"]
    inserted, updated, deleted = (sum(getattr(one, what) or 0 for one in changed) for what in _CHANGES)
    reasons: dict[str, list[TableExtract]] = {}
    for one in report.extracts:
        if one.mode != "incremental":
            reasons.setdefault(one.reason, []).append(one)
    parts = [f"{inserted:,} new, {updated:,} changed and {deleted:,} deleted rows"] if changed else []
    for reason, tables in sorted(reasons.items()):
        every = len(tables) == len(report.extracts)
        named = "every table" if every else ", ".join(one.table for one in tables)
        parts.append(f"all rows of {named}{_moved(tables)}: {reason}")
    return f"Read {'; '.join(parts)}"


def _moved(tables: Sequence[TableExtract]) -> str:
    """How many rows came and went in tables read whole; empty for the first refresh, where all came."""
    if any(one.inserted is None or one.deleted is None for one in tables):
        return ""
    rows, came, went = (sum(getattr(one, what) or 0 for one in tables) for what in ("rows", "inserted", "deleted"))
    return "" if came == rows else f" ({rows:,}, of which {came:,} came; {went:,} went)"


def _warn(report: RefreshReport) -> None:
    warnings = [check for check in report.checks if not check.passed]
    if warnings:
        say("What the checks found in the data:")
        rows = [(check.name, f"{check.rows:,}", check.summary) for check in warnings]
        table(("check", "rows", "what such a row is"), rows, ("rows",))


def _as_dict(report: RefreshReport) -> dict[str, Any]:
    return {
        "refresh_id": report.refresh_id,
        "as_of": report.as_of,
        "snapshot": report.snapshot,
        "seconds": round(report.seconds, 3),
        "rows_written": report.rows_written,
        "changed": report.changed,
        "extracts": report.extracts,
        "facts": report.facts,
        "metrics": report.metrics,
        "checks": [
            {"name": one.name, "severity": one.severity, "rows": one.rows, "summary": one.summary}
            for one in report.checks
        ],
        "targets": report.targets,
        "warnings": report.warnings,
        "moved": report.moved,
        "file": report.file,
    }
