"""Earlier refreshes: which are kept, where, and how to find one.

Belongs here: keeping the file that a refresh replaces, and deleting kept files when their time is over. A kept file
is a former published file under a second name; it is only read.
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
from si_analytics.warehouse import file, spare, working

LATEST = 3
"""How many refreshes are kept whatever their day, the published one included."""

_ROOM = 2  # in sizes of the warehouse, the spare included: the next refresh works on it or on a copy, which grows
_MOST_BEHIND = 5  # refreshes: bringing up a spare that is further behind may take longer than a copy
_REFRESHES = "select number, refresh_id, as_of, taken_at, currency, timezone from kept.meta.refreshes order by number"
_LAST = f"{_REFRESHES} desc limit 1"

Free = Callable[[Path], int]


@dataclass(frozen=True)
class Kept:
    """A refresh that can still be read, in the file `path`."""

    number: int
    refresh_id: UUID
    as_of: datetime
    taken_at: datetime
    currency: str
    timezone: str
    path: Path

    def day(self, tz: str) -> date:
        """The day it describes: the day of the last moment before its as_of."""
        return windows.day_described(self.as_of, tz)

    def __str__(self) -> str:
        return f"{self.number} (as of {self.as_of:%Y-%m-%d %H:%M} UTC)"


def folder(settings: Settings) -> Path:
    """Returns the folder of kept refreshes: beside the warehouse, so that a second name needs no second copy."""
    return settings.warehouse.with_name(settings.warehouse.name + ".refreshes")


def _free(path: Path) -> int:
    return shutil.disk_usage(path).free


def publish_working(settings: Settings, free: Free = _free, *, with_spare: bool = True) -> tuple[str, ...]:
    """Publishes the working file and keeps the file it replaces; returns a sentence for each thing that failed.

    The old file gets its second name before the rename, so that no crash loses it. `with_spare` sets one that is no
    longer kept aside for the next refresh.
    """
    with duckdb.connect() as reading:
        warnings = _keep(reading, settings) if settings.kept_days else ()
        if with_spare and not settings.kept_days:
            spare.keep_replaced(settings)
        working.publish_working(settings)
        return (*warnings, *_tidy(reading, settings, free, with_spare=with_spare))


def available(settings: Settings) -> list[Kept]:
    """Returns every refresh that can be read, oldest first; the published one is the last."""
    with duckdb.connect() as reading:
        told = _told(reading, settings.warehouse)
        files = [_described(reading, path) for path in _files(settings)] if told else []
    if not told:
        return []
    known = {one.number: one.refresh_id for one in told[:-1]}
    return [one for one in files if one and known.get(one.number) == one.refresh_id] + [told[-1]]


def pair(settings: Settings, a: int | str | date | None, b: int | str | date | None) -> tuple[Kept, Kept]:
    """Returns two refreshes: `b`, or the published one for None; `a`, or the last one kept before `b` for None."""
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
    """Returns the refresh of that number, or the last one that describes that day in the reporting zone.

    Raises UnknownNameError, which lists the kept ones, if it is not kept.
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
    """Returns the number meant. A day means its last refresh, kept or not; an earlier one never stands for it."""
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
    """Gives the published file its second name, unless the same refresh is being published again."""
    told, new = (_told(reading, path, _LAST) for path in (settings.warehouse, working.working_path(settings)))
    if not new:
        raise WarehouseError(
            f"publishing the warehouse {settings.warehouse}",
            "the file that the refresh wrote was deleted or damaged meanwhile",
            "Run it again: si refresh",
        )
    if not told or told[-1].refresh_id == new[-1].refresh_id:
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
        temporary.unlink(missing_ok=True)  # renaming one name of a file to another of its names keeps both
    except OSError as error:
        return (f"refresh {told[-1].number} is not kept for comparing: {error.strerror or type(error).__name__}",)
    return ()


def _link(source: Path, target: Path) -> None:
    """Gives `source` a second name, or copies it with its rights if the file system has no second names."""
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


def _tidy(reading: duckdb.DuckDBPyConnection, settings: Settings, free: Free, *, with_spare: bool) -> tuple[str, ...]:
    """Deletes what is no longer kept, and the oldest if the next refresh would not find room on the disk.

    `with_spare` makes the latest of the former the spare, unless the replaced file is.
    """
    told = _told(reading, settings.warehouse)
    kept = [one for one in (_described(reading, path) for path in _files(settings)) if one]
    wanted = _wanted(told, settings.kept_days, settings.timezone) if settings.kept_days else set()
    try:
        over = [one for one in kept if (one.number, one.refresh_id) not in wanted]
        if with_spare and settings.kept_days and over and over[-1].number >= told[-1].number - _MOST_BEHIND:
            spare.set_aside(over.pop().path, settings)
        for one in over:
            one.path.unlink(missing_ok=True)
        left = [one for one in kept if one.path.exists()]
        given_up = list(_to_give_up(left, settings, free))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return (f"refreshes that are kept no longer could not be deleted from {folder(settings)}: {reason}",)
    if not given_up:
        return ()
    return (f"the disk is nearly full: refresh {', '.join(map(str, given_up))} is kept no longer for comparing",)


def _wanted(told: Sequence[Kept], days: int, tz: str) -> set[tuple[int, UUID]]:
    """Returns the refreshes to keep: the latest, and the last one that describes each of the last `days` days."""
    today = windows.today(told[-1].taken_at, tz)
    last_of_day = {one.day(tz): one for one in told}
    of_days = [one for day, one in last_of_day.items() if today - timedelta(days=days) <= day <= today]
    return {(one.number, one.refresh_id) for one in (*told[-LATEST:], *of_days)}


def _to_give_up(kept: Sequence[Kept], settings: Settings, free: Free) -> Iterable[int]:
    """Deletes the oldest until there is room; yields their numbers."""
    set_aside = working.spare_path(settings)
    needed = _ROOM * settings.warehouse.stat().st_size
    needed -= set_aside.stat().st_size if set_aside.exists() else 0
    for one in kept:
        if free(settings.warehouse.parent) >= needed:
            return
        one.path.unlink()
        yield one.number


def _files(settings: Settings) -> list[Path]:
    named = [path for path in folder(settings).glob("*.duckdb") if path.stem.isdecimal()]
    return sorted(named, key=lambda path: int(path.stem))


def _described(reading: duckdb.DuckDBPyConnection, path: Path) -> Kept | None:
    """Returns the refresh in a kept file; None if its number is not that of the file's name."""
    told = _told(reading, path, _LAST)
    return told[-1] if told and told[-1].number == int(path.stem) else None


def _told(reading: duckdb.DuckDBPyConnection, path: Path, query: str = _REFRESHES) -> list[Kept]:
    """Returns every refresh the file lists, its own last; empty if the file cannot be read or lists none."""
    if not path.exists():
        return []
    try:
        file.attach(reading, path, "kept")
        rows = reading.sql(query).fetchall()
    except (WarehouseError, duckdb.Error):
        return []  # damaged or of another version, so there is nothing to compare with
    finally:
        reading.execute("detach database if exists kept")
    return [Kept(n, i, windows.instant(a), windows.instant(t), c, z, path) for n, i, a, t, c, z in rows]
