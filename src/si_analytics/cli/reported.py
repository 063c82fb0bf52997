"""What a refresh did, in sentences and for programs: what it read, what it computed, what its checks found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from si_analytics.cli.output import say, table

if TYPE_CHECKING:
    from si_analytics.compute.upkeep import Stored
    from si_analytics.extract import TableExtract
    from si_analytics.refresh.run_log import RefreshReport

_CHANGES = ("inserted", "updated", "deleted")


def read(report: RefreshReport) -> str:
    """What was read: how many rows changed; which tables were read whole or scanned, and why."""
    changed = [one for one in report.extracts if one.mode != "full"]
    inserted, updated, deleted = (sum(getattr(one, what) or 0 for one in changed) for what in _CHANGES)
    reasons: dict[tuple[str, str], list[TableExtract]] = {}
    for one in report.extracts:
        if one.reason:
            reasons.setdefault((one.mode, one.reason), []).append(one)
    parts = [f"{inserted:,} new, {updated:,} changed and {deleted:,} deleted rows"] if changed else []
    for (mode, reason), tables in sorted(reasons.items()):
        every = len(tables) == len(report.extracts)
        named = "every table" if every else ", ".join(one.table for one in tables)
        what = f"all rows of {named}{_moved(tables)}" if mode == "full" else f"{named} by a scan"
        parts.append(f"{what}: {reason}")
    return f"Read {'; '.join(parts)}"


def compared(report: RefreshReport) -> str:
    """Which targets were compared as a whole, and why; empty if none was but those that are each time."""
    from si_analytics import publish

    reasons: dict[str, list[str]] = {}
    for one in report.targets:
        if one.reason and one.reason not in publish.EACH_TIME:
            reasons.setdefault(one.reason, []).append(one.target)
    every = len(report.targets)
    parts = [
        f"all rows of {'every target' if len(names) == every else ', '.join(names)}: {reason}"
        for reason, names in sorted(reasons.items())
    ]
    return f"Compared {'; '.join(parts)}" if parts else ""


def computed(report: RefreshReport) -> str:
    """What was computed: what stayed, what was worked out for changed rows alone, what in full, and why."""
    stayed: list[Stored] = []
    changed: list[Stored] = []
    whole: dict[str, list[Stored]] = {}
    for one in report.stored:
        if one.reason:
            whole.setdefault(one.reason, []).append(one)
        else:
            (changed if one.changed else stayed).append(one)
    parts = [f"{_numbered(stayed)} as {'it was' if len(stayed) == 1 else 'they were'}"] if stayed else []
    parts += [f"the changed rows of {_numbered(changed)}"] if changed else []
    for reason, tables in sorted(whole.items()):
        every = len(tables) == len(report.stored)
        named = "every fact and metric" if every else ", ".join(one.table for one in tables)
        parts.append(f"all of {named}: {reason}")
    return f"Computed {'; '.join(parts)}"


def _numbered(tables: Sequence[Stored]) -> str:
    metrics = sum(one.table.startswith("metrics.") for one in tables)
    kinds = (("fact or dimension", "facts and dimensions"), ("metric", "metrics"))
    counts = zip((len(tables) - metrics, metrics), kinds, strict=True)
    return ", ".join(f"{count} {one if count == 1 else several}" for count, (one, several) in counts if count)


def _moved(tables: Sequence[TableExtract]) -> str:
    """How many rows came and went in tables read whole; empty for the first refresh, where all came."""
    if any(one.inserted is None or one.deleted is None for one in tables):
        return ""
    rows, came, went = (sum(getattr(one, what) or 0 for one in tables) for what in ("rows", "inserted", "deleted"))
    return "" if came == rows else f" ({rows:,}, of which {came:,} came; {went:,} went)"


def warn(report: RefreshReport) -> None:
    """Print what the checks found, if anything."""
    warnings = [check for check in report.checks if not check.passed]
    if warnings:
        say("What the checks found in the data:")
        rows = [(check.name, f"{check.rows:,}", check.summary) for check in warnings]
        table(("check", "rows", "what such a row is"), rows, ("rows",))


def as_dict(report: RefreshReport) -> dict[str, Any]:
    """All of a report, for programs."""
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
        "computed": report.stored,
        "checks": [
            {"name": one.name, "severity": one.severity, "rows": one.rows, "summary": one.summary}
            for one in report.checks
        ],
        "targets": report.targets,
        "warnings": report.warnings,
        "moved": report.moved,
        "file": report.file,
    }
