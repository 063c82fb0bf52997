"""The clocks of a time zone as a table that queries join: what makes a moment a day or month of the zone.

Belongs here: laying `zones` out for DuckDB. A query adds ``local_offsets.ahead`` to a moment; ``at time zone`` would
ask DuckDB's own copy of the zones, which is of another version.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import duckdb

from si_analytics import time_zones
from si_analytics.warehouse import file

TABLE = "local_offsets"
"""The temporary table: one row per offset of the zone and slice of time that it is in force in."""

COLUMNS = ("zone", "slice", "begins_at", "ends_at", "ahead")
SLICE = timedelta(days=365)
"""How long a slice is. Every moment meets the few offsets of its slice in a hash join, which millions of rows take in
their stride; slice 0 holds all before 1971 as well."""

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CREATE = (
    f"create or replace temporary table {TABLE}"
    " (zone varchar, slice bigint, begins_at timestamptz, ends_at timestamptz, ahead bigint)"
)


def lay_out(connection: duckdb.DuckDBPyConnection, tz: str, until: datetime) -> None:
    """Fill the table with the offsets of zone `tz` for every moment before `until`, `ahead` in microseconds."""
    connection.execute(_CREATE)
    file.insert(connection, f"temp.main.{TABLE}", _rows(tz, until))


def _rows(tz: str, until: datetime) -> Iterator[tuple[str, int, datetime | str, datetime | str, int]]:
    last = _slice(until)
    for offset in time_zones.offsets(tz, until):
        first = 0 if offset.begins_at is None else _slice(offset.begins_at)
        ends_in = last if offset.ends_at is None else _slice(offset.ends_at - _MICROSECOND)
        begins, ends = offset.begins_at or "-infinity", offset.ends_at or "infinity"
        for number in range(first, ends_in + 1):
            yield tz, number, begins, ends, offset.ahead // _MICROSECOND


def _slice(moment: datetime) -> int:
    return max((moment - _EPOCH) // SLICE, 0)


def of_duckdb(connection: duckdb.DuckDBPyConnection, tz: str, moments: Sequence[datetime]) -> list[timedelta]:
    """How far ahead of UTC DuckDB's own copy of the zone has its clocks at `moments`, to be compared with.

    Raises duckdb.Error where it knows no such zone.
    """
    import pyarrow

    # As one column: bound one by one, ten thousand moments take seconds.
    column = pyarrow.array(moments, pyarrow.timestamp("us", "UTC"))
    given = connection.from_arrow(pyarrow.table([column], ["moment"]))
    local = duckdb.FunctionExpression("timezone", duckdb.ConstantExpression(tz), duckdb.ColumnExpression("moment"))
    rows = given.select(
        duckdb.FunctionExpression("epoch_us", local)
        - duckdb.FunctionExpression("epoch_us", duckdb.ColumnExpression("moment"))
    ).fetchall()
    return [timedelta(microseconds=ahead) for (ahead,) in rows]
