"""A small warehouse that needs no Postgres: the sample marketplace, its refreshes and the boards of its last days.

Belongs here: making it, once per process, in a temporary folder that the end of the process removes. Its rows are
those of `si sample` at the same scale and seed, and the same SQL files as in a refresh compute its numbers, so the
two always agree. Uses no network and reads no clock.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import duckdb
import polars as pl

from si_analytics import extract, sample
from si_analytics.definitions import contract, project
from si_analytics.extract import TableExtract
from si_analytics.extract.source import Snapshot
from si_analytics.query.warehouse import Warehouse
from si_analytics.refresh import Refresh, backfill
from si_analytics.settings import Settings

SCALE, SEED = Decimal("0.1"), 1
"""Its size and seed: about 200 users, 500 deals and 1,000 invites."""

_APART = timedelta(days=7)
_NAME = f"{sample.GENERATOR}, scale {SCALE}, seed {SEED}"
_one_at_a_time = threading.Lock()
_made: list[tempfile.TemporaryDirectory[str]] = []


def sample_warehouse() -> Warehouse:
    """A warehouse of a small synthetic marketplace, to try things on: no Postgres, no network, nothing to set up.

    Returns the same object as `connect`, with the same numbers every time: two refreshes a week apart to compare,
    and the boards of the days between. Making it takes some seconds, once per process, and leaves nothing behind.

    >>> si.sample_warehouse()
    <Warehouse sample.duckdb as of 2026-06-01 00:00 UTC, in usd>
    """
    with _one_at_a_time:
        if not _made:
            folder = tempfile.TemporaryDirectory(prefix="si-sample-", ignore_cleanup_errors=True)
            build(_settings(Path(folder.name)))
            _made.append(folder)
    return Warehouse(_settings(Path(_made[0].name)))


def build(settings: Settings) -> None:
    """Make the sample's warehouse at the place `settings` name."""
    frames = sample.frames(SCALE, SEED)
    for number, as_of in enumerate((sample.END - _APART, sample.END), start=1):
        refresh_id = uuid5(NAMESPACE_OID, f"si_analytics {_NAME}, refresh {number}")
        with _OfTheSample(settings, as_of, refresh_id=refresh_id, full=True, frames=frames) as refresh:
            refresh.extract()
            refresh.finish()
    today = sample.END.date()
    backfill.backfill(settings, today - _APART, today - timedelta(days=1), only_missing=True)


def _settings(home: Path) -> Settings:
    """Settings of its own: the environment's settings are for the real warehouse."""
    return Settings.model_construct(
        postgres_url=None,
        home=home,
        warehouse=home / "sample.duckdb",
        currency="usd",
        timezone="UTC",
        memory_limit=None,
        kept_days=_APART.days,
    )


@dataclass
class _OfTheSample(Refresh):
    """A refresh that reads the sample's generated rows instead of Postgres; publishes nothing."""

    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    def extract(self) -> list[TableExtract]:
        self._snapshot = Snapshot(_NAME, sample.END)
        self._extracts = [self._filled(table, self.frames[table]) for table in extract.tables()]
        return self._extracts

    def _filled(self, table: str, frame: pl.DataFrame) -> TableExtract:
        digests = project().sources[table].digests
        columns = [_typed(column, digested=column.name in digests) for column in contract.columns(table)]
        self.connection.register("given", frame)
        self.connection.table("given").select(*columns).create(f"raw.{table}")
        self.connection.unregister("given")
        return TableExtract(table, frame.height, frame.height, 0, 0, extract.FULL, "it is a sample", 0.0, None)


def _typed(column: contract.ReadColumn, *, digested: bool) -> duckdb.Expression:
    value: duckdb.Expression = duckdb.ColumnExpression(column.name)
    if digested:
        value = duckdb.FunctionExpression("md5", value)
    return value.cast(duckdb.dtype(column.type)).alias(column.name)
