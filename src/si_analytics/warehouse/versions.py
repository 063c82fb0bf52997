"""Refreshes that were published before: which are kept, where, and finding one again.

Belongs here: keeping the file that a refresh replaces, and deleting what is kept no longer. A kept file is the
published one of its day, under a second name; it is only read.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import duckdb

from si_analytics.errors import UnknownNameError, UsageError, WarehouseError
from si_analytics.periods import windows
from si_analytics.settings import Settings
from si_analytics.warehouse import file

LATEST = 3
"""How many refreshes are kept whatever their day, the published one among them."""

_ROOM = 2  # how many times the warehouse must fit on the disk: the next refresh works on a copy, which grows
_REFRESHES = "select number, refresh_id, as_of, taken_at, currency, timezone from kept.meta.refreshes order by number"

Free = Callable[[Path], int]


@dataclass(frozen=True)
class Kept:
    """A refresh whose numbers can still be read: in `path`."""

    number: int
    refresh_id: UUID
    as_of: datetime
    taken_at: datetime
    currency: str
    timezone: str
    path: Path

    def day(self, tz: str) -> date:
        """The day it describes: that of the last moment before its as_of."""
        return windows.day_described(self.as_of, tz)

    def __str__(self) -> str:
        return f"{self.number} (as of {self.as_of:%Y-%m-%d %H:%M} UTC)"


def folder(settings: Settings) -> Path:
    """Where refreshes are kept: beside the warehouse, so that they take a second name and no second copy."""
    return settings.warehouse.with_name(settings.warehouse.name + ".refreshes")


def _free(path: Path) -> int:
    return shutil.disk_usage(path).free


def publish_working(settings: Settings, free: Free = _free) -> tuple[str, ...]:
    """Put the working file in the place of the published one, which is kept; what could not be, in sentences.

    The old file takes its second name before the rename, so that no crash loses it.
    """
    with duckdb.connect() as reading:
        warnings = _keep(reading, settings) if settings.kept_days else ()
        file.publish_working(settings)
        return (*warnings, *_tidy(reading, settings, free))


def available(settings: Settings) -> list[Kept]:
    """Every refresh that can be read, in the order they came; the published one is the last."""
    with duckdb.connect() as reading:
        told = _told(reading, settings.warehouse)
        files = [_described(reading, path) for path in _files(settings)] if told else []
    if not told:
        return []
    known = {one.number: one.refresh_id for one in told[:-1]}
    return [one for one in files if one and known.get(one.number) == one.refresh_id] + [told[-1]]


def pair(settings: Settings, a: int | str | date | None, b: int | str | date | None) -> tuple[Kept, Kept]:
    """The two refreshes meant: `b` none is the published one, `a` none the last that is kept of those before `b`."""
    there = available(settings)
    if not there:
        raise _unfilled(settings)
    other = there[-1] if b is None else find(settings, b)
    if a is not None:
        return find(settings, a), other
    before = [one for one in there if one.number < other.number]
    if not before:
        raise UnknownNameError(
            f"the refresh before {other}", "none is kept", "Refresh again (with SI_KEPT_DAYS above 0), then compare"
        )
    return before[-1], other


def find(settings: Settings, asked: int | str | date) -> Kept:
    """The refresh of that number, or the last one that describes that day in the reporting zone.

    Raises UnknownNameError, with those there are, where it is not kept.
    """
    there = available(settings)
    if not there:
        raise _unfilled(settings)
    with duckdb.connect() as reading:
        told = _told(reading, settings.warehouse)
    number = _number(asked, told, there[-1].timezone)
    for one in there:
        if one.number == number:
            return one
    found = "there was none" if number is None else f"that is number {number}, which is not kept"
    raise UnknownNameError(f"refresh {asked}", found, f"Give one of those that are: {', '.join(map(str, there))}")


def _unfilled(settings: Settings) -> WarehouseError:
    return WarehouseError(
        f"comparing refreshes of {settings.warehouse}", "there is no warehouse yet", "Fill it first: si refresh"
    )


def _number(asked: int | str | date, told: Sequence[Kept], tz: str) -> int | None:
    """The number meant; that of a day is its last refresh's, kept or not: an earlier one is not that day's."""
    text = asked.isoformat() if isinstance(asked, date) else str(asked).strip()
    if text.isdecimal() and len(text) < 8:  # 20260601 is a day
        return next((one.number for one in told if one.number == int(text)), None)
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"refresh '{text[:40]}'", "it is neither a number nor a day", "Give one like 12 or 2026-06-01"
        ) from error
    return max((one.number for one in told if one.day(tz) == day), default=None)


def _keep(reading: duckdb.DuckDBPyConnection, settings: Settings) -> tuple[str, ...]:
    """Give the published file its second name, unless it is the refresh that is now published again."""
    told, working = _told(reading, settings.warehouse), _told(reading, file.working_path(settings))
    if not working:
        raise WarehouseError(
            f"publishing the warehouse {settings.warehouse}",
            "the file that the refresh wrote was deleted or damaged meanwhile",
            "Run it again: si refresh",
        )
    if not told or told[-1].refresh_id == working[-1].refresh_id:
        return ()
    place = folder(settings)
    temporary = place / f"{told[-1].number}.new"
    try:
        place.mkdir(exist_ok=True)
        shutil.copymode(place.parent, place)
        for leftover in place.glob("*.new"):
            leftover.unlink()
        _link(settings.warehouse.resolve(), temporary)
        temporary.replace(place / f"{told[-1].number}.duckdb")
        temporary.unlink(missing_ok=True)  # a rename between two names of one file leaves both
    except OSError as error:
        return (f"refresh {told[-1].number} is not kept for comparing: {error.strerror or type(error).__name__}",)
    return ()


def _link(source: Path, target: Path) -> None:
    """A second name for `source`; a copy with its rights where the file system knows no second names."""
    try:
        os.link(source, target)
    except OSError:
        try:
            target.touch(mode=0o600)
            shutil.copymode(source, target)
            shutil.copyfile(source, target)
        except OSError:
            target.unlink(missing_ok=True)
            raise


def _tidy(reading: duckdb.DuckDBPyConnection, settings: Settings, free: Free) -> tuple[str, ...]:
    """Delete what is kept no longer, and the oldest where the next refresh would not find room on the disk."""
    told = _told(reading, settings.warehouse)
    kept = [one for one in (_described(reading, path) for path in _files(settings)) if one]
    wanted = _wanted(told, settings.kept_days, settings.timezone) if settings.kept_days else set()
    try:
        for one in kept:
            if (one.number, one.refresh_id) not in wanted:
                one.path.unlink(missing_ok=True)
        left = [one for one in kept if one.path.exists()]
        given_up = list(_to_give_up(left, settings.warehouse, free))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return (f"refreshes that are kept no longer could not be deleted from {folder(settings)}: {reason}",)
    if not given_up:
        return ()
    return (f"the disk is nearly full: refresh {', '.join(map(str, given_up))} is kept no longer for comparing",)


def _wanted(told: Sequence[Kept], days: int, tz: str) -> set[tuple[int, UUID]]:
    """The latest refreshes, and the last that describes each of the days up to the newest's."""
    today = windows.today(told[-1].taken_at, tz)
    last_of_day = {one.day(tz): one for one in told}
    of_days = [one for day, one in last_of_day.items() if today - timedelta(days=days) <= day <= today]
    return {(one.number, one.refresh_id) for one in (*told[-LATEST:], *of_days)}


def _to_give_up(kept: Sequence[Kept], published: Path, free: Free) -> Iterable[int]:
    """Delete the oldest until there is room; the numbers of those."""
    needed = _ROOM * published.stat().st_size
    for one in kept:
        if free(published.parent) >= needed:
            return
        one.path.unlink()
        yield one.number


def _files(settings: Settings) -> list[Path]:
    named = [path for path in folder(settings).glob("*.duckdb") if path.stem.isdecimal()]
    return sorted(named, key=lambda path: int(path.stem))


def _described(reading: duckdb.DuckDBPyConnection, path: Path) -> Kept | None:
    """The refresh in a kept file; none where the file is not the refresh of its name."""
    told = _told(reading, path)
    return told[-1] if told and told[-1].number == int(path.stem) else None


def _told(reading: duckdb.DuckDBPyConnection, path: Path) -> list[Kept]:
    """Every refresh that the file tells of, its own last; none where it cannot be read or tells of none."""
    if not path.exists():
        return []
    try:
        file.attach(reading, path, "kept")
        rows = reading.sql(_REFRESHES).fetchall()
    except (WarehouseError, duckdb.Error):
        return []  # it is damaged or of another version: nothing to compare with
    finally:
        reading.execute("detach database if exists kept")
    return [Kept(n, i, windows.instant(a), windows.instant(t), c, z, path) for n, i, a, t, c, z in rows]
