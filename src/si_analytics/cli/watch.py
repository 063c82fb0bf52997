"""`si watch`: prints each publication as it comes; with `--refresh`, refreshes as soon as the data changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from si_analytics.cli.output import as_json_line, note, say
from si_analytics.errors import UsageError

if TYPE_CHECKING:
    from si_analytics.refresh.watch import Event

_LONGEST_REST = 3600.0


def watch(
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Refresh as soon as the operational data changed, one at a time.")
    ] = False,
    debounce: Annotated[
        str, typer.Option(metavar="TIME", help="How long to gather changes before a refresh, like 2s or 1min.")
    ] = "2s",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document per line instead of text.")] = False,
) -> None:
    """Print each publication as it comes, until Ctrl-C.

    When the server restarts it connects again and prints what was published meanwhile. With `--refresh` a refresh
    that fails is told and tried again.
    """
    from si_analytics import settings
    from si_analytics.periods import windows
    from si_analytics.refresh import watch as watching

    current = settings.load()
    seconds = windows.duration(debounce, name="--debounce").total_seconds()
    if not 0 <= seconds <= _LONGEST_REST:
        raise UsageError(f"--debounce {debounce}", "it is longer than an hour", "Name a shorter one, like 2s")
    events = watching.follow(current, debounce=seconds) if refresh else watching.listen(current)
    note("Watching; Ctrl-C ends it")
    try:
        for event in events:
            _tell(event, json)
    except KeyboardInterrupt:
        note("Ended")
    finally:
        events.close()


def _tell(event: Event, json: bool) -> None:
    kind, told, sentence = _described(event)
    if json:
        as_json_line({"event": kind, **told})
    elif kind in {"published", "refreshed"}:
        say(sentence)
    else:
        note(sentence)


def _described(event: Event) -> tuple[str, dict[str, Any], str]:
    """The kind of event, its data for machines, and its sentence for people."""
    from si_analytics.publish import notifications
    from si_analytics.refresh.run_log import RefreshReport
    from si_analytics.refresh.watch import Failed, Look

    told: dict[str, Any] = {}
    match event:
        case notifications.Published(refresh_id, as_of, changed):
            rows = ", ".join(f"{name} {count:,}" for name, count in changed.items() if count) or "no row differed"
            told = {"refresh_id": refresh_id, "as_of": as_of, "changed": changed}
            kind, sentence = "published", f"published as of {as_of.isoformat()}: {rows}"
        case notifications.Lost(reason, seconds):
            told = {"reason": reason, "seconds": seconds}
            kind, sentence = "lost", f"lost the server ({reason}); trying again in {seconds:g} s"
        case notifications.Back():
            kind, sentence = "back", "the server is back"
        case notifications.Unreadable(payload):
            told = {"payload": payload}
            kind, sentence = "unknown", f"a notification that no refresh sends: {payload}"
        case Look(_, reason, tables, _):
            told = {"reason": reason, "tables": tables}
            kind, sentence = "changed", f"changed: {reason}"
        case Failed(error, seconds):
            told = {"error": str(error), "seconds": seconds}
            kind, sentence = "failed", f"failed: {error}; trying again in {seconds:g} s"
        case RefreshReport():
            told = {"refresh_id": event.refresh_id, "as_of": event.as_of, "seconds": round(event.seconds, 3)}
            told |= {"rows_written": event.rows_written, "warnings": event.warnings}
            kind, sentence = "refreshed", f"refreshed: {event.rows_written:,} rows written in {event.seconds:.1f} s"
    return kind, told, sentence
