"""A synthetic marketplace: plausible rows for all operational tables, the same for the same scale and seed.

Belongs here: filling an empty operational schema.

The marketplace lives from `START` to `END`. Nothing in it happens at or after `END`, so describe it as of that
moment. No clock is read.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

import polars as pl
import psycopg
from psycopg import sql

from si_analytics import postgres, schema
from si_analytics.errors import LoadError, ServerError, UsageError
from si_analytics.postgres import copying, locks, operational
from si_analytics.sample import market
from si_analytics.sample.times import END, START
from si_analytics.settings import Settings

__all__ = ["END", "GENERATOR", "START", "SampleReport", "frames", "generate"]

GENERATOR = "market 1"
"""Changes whenever the rows of a scale and seed change."""

_LARGEST = Decimal(200)
_MANY_ROWS = 50_000
_LATER = "Nothing was changed; see that the server is up and has room, then try again"

Progress = Callable[[str, str, int, float], None]
"""Called after each table with the phase, the table, its rows and the seconds it took."""


@dataclass(frozen=True)
class SampleReport:
    """What was loaded; no rows if the same sample was already there."""

    scale: Decimal
    seed: int
    rows: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    already_there: bool = False
    generator: str = GENERATOR


def frames(scale: float | Decimal = 1, seed: int = 1) -> dict[str, pl.DataFrame]:
    """Returns the marketplace as one frame per operational table, without a database.

    Money is Decimal, times are in UTC, ids and JSON are text.

    >>> frames(scale=0.02, seed=1)["deals"].height
    100
    """
    return market.build(*_checked(scale, seed))


def generate(
    settings: Settings, *, scale: float | Decimal = 1, seed: int = 1, progress: Progress | None = None
) -> SampleReport:
    """Fills the empty operational tables with the marketplace of that scale and seed, in one transaction.

    Writes nothing if the same sample is already there; the report says so. Raises LoadError, having changed
    nothing, if the tables hold anything else; UsageError for an impossible scale or seed.
    """
    begun = time.perf_counter()
    extent, seed = _checked(scale, seed)
    patience = settings.lock_timeout
    with postgres.connect(settings, read_only=False) as connection, _speaking(connection, extent, seed, patience):
        locks.limit(connection, patience)
        schema.require_on(connection)
        if _already_there(connection, extent, seed):
            return SampleReport(extent, seed, already_there=True)
        connection.commit()  # leaves no transaction open while the rows are made
        made = market.build(extent, seed)
        with connection.transaction():
            _lock(connection, patience)
            if _already_there(connection, extent, seed):
                return SampleReport(extent, seed, already_there=True)
            rows = _fill(connection, made, progress)
            _record(connection, extent, seed)
    return SampleReport(extent, seed, rows, time.perf_counter() - begun)


def _checked(scale: float | Decimal, seed: int) -> tuple[Decimal, int]:
    try:
        extent = Decimal(str(scale))
    except InvalidOperation:
        extent = Decimal("nan")
    if not extent.is_finite() or not 0 < extent <= _LARGEST:
        raise UsageError(
            f"a sample of scale {scale}", f"it is not above 0 and at most {_LARGEST}", "Use 1, or 0.02 for a small one"
        )
    if not 0 <= seed < 2**63:
        raise UsageError(f"a sample of seed {seed}", "it is not between 0 and 2^63 - 1", "Use any such whole number")
    return extent, seed


def _already_there(connection: copying.Connection, scale: Decimal, seed: int) -> bool:
    """Whether this very sample is loaded. Raises LoadError if the tables hold something else."""
    filled = _first_filled(connection)
    if filled is None:
        return False
    known = connection.execute(
        "select 1 from analytics.samples where scale = %s and seed = %s and generator = %s", [scale, seed, GENERATOR]
    ).fetchone()
    if known:
        return True
    table, rows = filled
    raise LoadError(
        f"filling the operational tables with the sample of scale {scale} and seed {seed}",
        f"the table {table} already holds {rows:,} row{'' if rows == 1 else 's'}",
        "Nothing was changed; use an empty database, or keep the data that is there",
    )


def _first_filled(connection: copying.Connection) -> tuple[str, int] | None:
    for table in schema.tables():
        name = operational.table(connection, table)
        if connection.execute(sql.SQL("select 1 from {} limit 1").format(name)).fetchone():
            counted = connection.execute(sql.SQL("select count(*) from {}").format(name)).fetchone()
            return table, counted[0] if counted else 0
    return None


def _lock(connection: copying.Connection, patience: int) -> None:
    """Blocks all other writers until the transaction ends, so that empty tables stay empty except for our rows."""
    locks.limit(connection, patience)
    listed = sql.SQL(", ").join(operational.table(connection, table) for table in schema.tables())
    connection.execute(sql.SQL("lock table {} in share row exclusive mode").format(listed))


def _fill(connection: copying.Connection, made: dict[str, pl.DataFrame], progress: Progress | None) -> dict[str, int]:
    rows: dict[str, int] = {}
    order = copying.insert_order(connection, schema.tables())
    many = sum(frame.height for frame in made.values()) >= _MANY_ROWS
    with copying.keys_aside(connection, order) if many else contextlib.nullcontext():
        for table in order:
            begun = time.perf_counter()
            frame = made.pop(table)
            rows[table] = copying.write(connection, table, [frame], frame.columns)
            if progress:
                progress("sample", table, rows[table], time.perf_counter() - begun)
        begun = time.perf_counter()
        copying.analyze(connection, order)
    if progress:
        progress("sample", "indexes and statistics", sum(rows.values()), time.perf_counter() - begun)
    return rows


def _record(connection: copying.Connection, scale: Decimal, seed: int) -> None:
    """Records what was loaded; replaces the record of a sample whose rows somebody has deleted."""
    connection.execute(
        "insert into analytics.samples (scale, seed, generator) values (%s, %s, %s)"
        " on conflict (scale, seed, generator) do update set loaded_at = excluded.loaded_at",
        [scale, seed, GENERATOR],
    )


@contextlib.contextmanager
def _speaking(connection: copying.Connection, scale: Decimal, seed: int, patience: int) -> Iterator[None]:
    """Turns Postgres's errors into one sentence; the rows are invented, so its message reveals nothing."""
    asked = f"filling the operational tables with the sample of scale {scale} and seed {seed}"
    try:
        yield
    except psycopg.errors.LockNotAvailable as error:
        found = locks.kept_waiting(connection, patience)
        raise LoadError(asked, found, f"Nothing was changed; {locks.WAIT_LONGER}") from error
    except psycopg.errors.UntranslatableCharacter as error:
        found = "the encoding of the database does not hold every script that names are written in"
        raise LoadError(asked, found, "Nothing was changed; use a database with the encoding UTF8") from error
    except psycopg.Error as error:
        found = " ".join((error.diag.message_primary or str(error)).split())
        limit = postgres.time_limit(error)
        if limit or isinstance(error, psycopg.OperationalError):
            remedy = f"Nothing was changed. {limit}" if limit else _LATER
            raise ServerError(asked, found, remedy) from error
        raise LoadError(asked, found, "Nothing was changed; see what is amiss with si schema diff") from error
