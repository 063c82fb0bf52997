"""The UTC offsets of a time zone as a table that queries join, to get a moment's day or month in the zone.

Belongs here: writing the offsets of a zone into DuckDB. A query adds ``local_offsets.ahead`` to a moment; ``at time
zone`` would use DuckDB's own copy of the zones, which has another version.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import duckdb

from si_analytics import time_zones
from si_analytics.warehouse import file

TABLE = "local_offsets"
"""The temporary table: one row per offset of the zone and slice of time in which it is in force."""

COLUMNS = ("zone", "slice", "begins_at", "ends_at", "ahead")
SLICE = timedelta(days=365)
"""The length of a slice. A hash join compares every moment with the few offsets of its slice, which stays fast for
millions of rows. Slice 0 also holds everything before 1971."""

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CREATE = (
    f"create or replace temporary table {TABLE}"
    " (zone varchar, slice bigint, begins_at timestamptz, ends_at timestamptz, ahead bigint)"
)


def lay_out(connection: duckdb.DuckDBPyConnection, tz: str, until: datetime) -> None:
    """Fills the table with the offsets of zone `tz` for every moment before `until`; `ahead` is in microseconds."""
    connection.execute(_CREATE)
    file.insert(connection, f"temp.main.{TABLE}", rows(tz, until))


def rows(tz: str, until: datetime) -> Iterator[tuple[str, int, datetime | str, datetime | str, int]]:
    """The rows of the table, in its columns, for every moment before `until`."""
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
    """Returns how far ahead of UTC DuckDB's own copy of the zone is at each of `moments`, for comparison.

    Raises duckdb.Error if DuckDB does not know the zone.
    """
    import pyarrow

    # As one column: binding ten thousand moments one by one takes seconds.
    column = pyarrow.array(moments, pyarrow.timestamp("us", "UTC"))
    given = connection.from_arrow(pyarrow.table([column], ["moment"]))
    local = duckdb.FunctionExpression("timezone", duckdb.ConstantExpression(tz), duckdb.ColumnExpression("moment"))
    rows = given.select(
        duckdb.FunctionExpression("epoch_us", local)
        - duckdb.FunctionExpression("epoch_us", duckdb.ColumnExpression("moment"))
    ).fetchall()
    return [timedelta(microseconds=ahead) for (ahead,) in rows]
