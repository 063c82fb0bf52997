"""The replication slot that tells which keys changed, and the publication that says of which tables.

Belongs here: what both are called, and asking Postgres about them. Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from si_analytics.definitions import project

PUBLICATION = "si_changes"
PLUGIN = "pgoutput"
LOST = "lost"
OLDEST = 150_000
"""The first version of Postgres in which a publication can keep all columns but the key to itself."""


@dataclass(frozen=True)
class Slot:
    """A slot as Postgres describes it, and what reading it needs; what is about the slot is None if there is none.

    ``confirmed_bytes`` is the place in the log before which it tells nothing any more, ``retained_bytes`` what it
    holds back of the log, ``size_limit_bytes`` how much it may (-1: without a limit).
    """

    slot_name: str | None
    plugin: str | None
    is_here: bool | None
    slot_database: str | None
    active_pid: int | None
    wal_status: str | None
    confirmed_bytes: int | None
    retained_bytes: int | None
    size_limit_bytes: int
    inactive_since: datetime | None
    is_conflicting: bool
    may_replicate: bool
    role_name: str
    is_standby: bool
    wal_level: str
    server_version: int

    @property
    def trouble(self) -> str:
        """Why nothing can be read from it; empty if it can be tried."""
        lost = self.wal_status == LOST or self.is_conflicting or self.confirmed_bytes is None
        reasons = {
            "a standby keeps no slot of its own": self.is_standby,
            "PostgreSQL before 15 would hand over whole rows": self.server_version < OLDEST,
            f"wal_level is {self.wal_level}, not logical": self.wal_level != "logical",
            "there is no slot of that name": self.slot_name is None,
            "the slot of that name is for something else": not self.is_here or self.plugin != PLUGIN,
            "the slot has lost its part of the log": lost,
        }
        return next((reason for reason, applies in reasons.items() if applies), "")


def look(connection: psycopg.Connection[Any], slot: str) -> Slot:
    """Returns what Postgres says of the slot of that name."""
    with connection.cursor(row_factory=class_row(Slot)) as cursor:
        (found,) = cursor.execute(project().postgres.slot.text, {"slot": slot}).fetchall()
    return found
