"""`si doctor`: is everything in place, and what to do if not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from si_analytics.cli.output import Json, Progress, as_json, table

if TYPE_CHECKING:
    from si_analytics.health.findings import Finding


def doctor(json: Json = False) -> None:
    """Look whether everything is in place.

    That is settings, versions, room on the disk, the server, rights, the schema, the warehouse; exit 1 if anything
    is wrong. Passwords are not shown. The embedded Postgres is started where it exists; nothing is made or changed.
    """
    from si_analytics import settings
    from si_analytics.health import doctor as health_doctor
    from si_analytics.health.findings import Verdict

    current = settings.load()
    with Progress("looking", quiet=json):
        findings = health_doctor.findings(current, datetime.now(UTC))
    if json:
        as_json(findings)
    else:
        table(("", "what", "found, and what to do"), [line for one in findings for line in _lines(one)])
    if any(one.verdict is Verdict.wrong for one in findings):
        raise typer.Exit(1)


def _lines(one: Finding) -> list[tuple[str, str, str]]:
    """A finding, with what to do beneath it."""
    said = (one.verdict.value, one.what, one.found)
    return [said, ("", "", f"-> {one.remedy}")] if one.remedy else [said]
