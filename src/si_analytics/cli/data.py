"""`si sample`, `si load`, `si refresh`: filling the database, and refreshing every number."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from si_analytics import refresh as refreshing
from si_analytics import settings, windows
from si_analytics.cli.output import Json, Progress, as_json, say, table


def sample(
    scale: Annotated[float, typer.Option(help="Size; 1 is about 2,000 users and 25,000 transactions.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same scale and seed give the same rows.")] = 1,
    json: Json = False,
) -> None:
    """Fill an empty schema with a synthetic marketplace."""
    from si_analytics import sample as sampling

    with Progress(quiet=True):
        report = sampling.generate(settings.load(), scale=scale, seed=seed)
    if json:
        as_json(asdict(report))
    elif report.already_there:
        say(f"This sample (scale {scale:g}, seed {seed}) is already there; nothing to do")
    else:
        say(f"Loaded {sum(report.rows.values()):,} rows into {len(report.rows)} tables in {report.seconds:.1f} s")


def load(
    folder: Annotated[Path, typer.Argument(help="A folder of files named after tables: deals.csv, users.parquet.")],
    json: Json = False,
) -> None:
    """Load your own CSV or Parquet files into the operational tables, in one transaction."""
    from si_analytics import load as loading

    report = loading.load(settings.load(), folder)
    if json:
        as_json(asdict(report))
    else:
        say(f"Loaded {sum(report.rows.values()):,} rows into {len(report.rows)} tables in {report.seconds:.1f} s")


def refresh(
    as_of: Annotated[
        str | None,
        typer.Option(
            help="The moment to describe; default: now. A past one is old times with today's statuses, not time travel."
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Read every row anew.")] = False,
    json: Json = False,
) -> None:
    """Extract, compute, check and publish every number."""
    current = settings.load()
    moment = None if as_of is None else windows.instant(as_of, current.timezone, name="--as-of")
    with Progress(quiet=json) as progress:
        report = refreshing.run(current, as_of=moment, listen=progress)
    if json:
        as_json(_as_dict(report))
        return
    warnings = [check for check in report.checks if not check.passed]
    if warnings:
        say("Warnings:")
        table(("check", "rows", "what such a row is"), [(c.name, f"{c.rows:,}", c.summary) for c in warnings], ("rows",))
    say(
        f"Refreshed as of {report.as_of.isoformat()}: {report.rows_written:,} rows written to Postgres,"
        f" {len(report.metrics)} metrics in {current.warehouse}, {report.seconds:.1f} s"
    )


def _as_dict(report: refreshing.RefreshReport) -> dict[str, Any]:
    return {
        "refresh_id": report.refresh_id,
        "as_of": report.as_of,
        "snapshot": report.snapshot,
        "seconds": round(report.seconds, 3),
        "rows_written": report.rows_written,
        "changed": report.changed,
        "extracts": [asdict(one) for one in report.extracts],
        "metrics": dict(report.metrics),
        "checks": [
            {"name": one.name, "severity": one.severity, "rows": one.rows, "summary": one.summary}
            for one in report.checks
        ],
        "targets": [asdict(one) for one in report.targets],
    }
