"""The replication slot that changes are read from: whether it can be, and what it and others hold back.

Belongs here: the findings of `si doctor` on slots. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from si_analytics import postgres
from si_analytics.definitions import project
from si_analytics.health.findings import Finding, Verdict, rounded
from si_analytics.health.server import ASKED
from si_analytics.postgres import operational, slots
from si_analytics.settings import SLOT, Settings

_MB = 1e6
_MUCH = 1_000_000_000
_LARGE_PART = 0.5  # of what a slot may hold back before Postgres gives it up
_LONG = timedelta(days=2)
_WHAT = "slot"
_SCAN = "until then a refresh finds changes by a scan"


def look(settings: Settings, now: datetime) -> list[Finding]:
    """The slot of these settings if they ask for one, and every slot that nothing seems to read any more."""
    with postgres.asking(ASKED), postgres.connect(settings, at_source=True) as connection:
        slot = slots.look(connection, settings.slot)
        told = {"publication": slots.PUBLICATION}
        published = connection.execute(project().postgres.change_publication.text, told).fetchall()
        idle = connection.execute(project().postgres.idle_slots.text).fetchall()
        keyed = connection.execute(operational.query(connection, project().postgres.change_keys)).fetchall()
    columns = {oid: names or [] for _, oid, _, names in published}
    closed = [table for table, key, _, oid in keyed if oid in columns and key not in columns[oid]]
    reads = settings.changes == SLOT
    others = (_forgotten(name, held, since, now, mine=reads and name == settings.slot) for name, held, since in idle)
    mine = ours(settings, slot, published) if reads else ()
    return [*_closed(closed), *mine, *(one for each in others for one in each)]


def _closed(tables: list[str]) -> Iterator[Finding]:
    """Tables that Postgres lets nobody update, for their rows are published by a key that is theirs no longer."""
    if tables:
        found = (
            f"Postgres refuses updates and deletes of {', '.join(tables)}, whose key is not the published one any more"
        )
        yield Finding(Verdict.wrong, _WHAT, found, "Take them out of the publication: si schema slot")


def ours(settings: Settings, slot: slots.Slot, published: Sequence[Sequence[Any]]) -> Iterator[Finding]:
    """Whether changes can be read from the slot, and how near it is to being lost."""
    if slot.trouble:
        yield Finding(Verdict.notable, _WHAT, f"{settings.slot}: {slot.trouble}", _remedy(slot))
        return
    if not all(whole and len(names or ()) == 1 for _, _, whole, names in published) or not published:
        found = f"the publication {slots.PUBLICATION} does not tell the keys of the tables, and nothing else"
        yield Finding(Verdict.notable, _WHAT, found, f"Make it: si schema slot; {_SCAN}")
    if not slot.may_replicate:
        remedy = f"As a superuser: alter role {slot.role_name} replication; {_SCAN}"
        yield Finding(Verdict.notable, _WHAT, f"{slot.role_name} lacks the attribute replication", remedy)
    held, limit = slot.retained_bytes or 0, slot.size_limit_bytes
    found = f"{settings.slot} tells of {len(published)} tables and holds back {held / _MB:,.1f} MB of the log"
    if limit < 0:
        remedy = "Set max_slot_wal_keep_size: if refreshes stop, the log fills the server's disk"
        yield Finding(Verdict.notable, _WHAT, f"{found}, without a limit", remedy)
        return
    near = held > _LARGE_PART * limit
    remedy = "Run si refresh, or end transactions that are open for long; a slot that is lost costs a scan"
    verdict = Verdict.notable if near else Verdict.well
    yield Finding(verdict, _WHAT, f"{found}, of {limit / _MB:,.0f} before it is lost", remedy if near else "")


def _remedy(slot: slots.Slot) -> str:
    if slot.is_standby or slot.server_version < slots.OLDEST:
        return "Set SI_CHANGES=scan"
    if slot.wal_level != "logical":
        return f"Set wal_level = logical and restart the server, then: si schema slot; {_SCAN}"
    if slot.slot_name and not (slot.is_here and slot.plugin == slots.PLUGIN):
        return f"Name another one, SI_SLOT, then: si schema slot; {_SCAN}"
    return f"Make it anew: si schema slot; {_SCAN}"


def _forgotten(name: str, held: int | None, since: datetime | None, now: datetime, *, mine: bool) -> Iterator[Finding]:
    """A slot that was not read for long, or for which the server keeps much."""
    unused = timedelta(0) if since is None else now - since
    if unused < _LONG and (mine or (held or 0) < _MUCH):
        return
    long = f" was not read for {rounded(unused)} and" if since else ""
    found = f"{name}{long} holds back {(held or 0) / _MB:,.1f} MB of the log"
    remedy = f"If nothing needs it any more: select pg_drop_replication_slot('{name}')"
    yield Finding(Verdict.notable, _WHAT, found, f"Run si refresh. {remedy}" if mine else remedy)
