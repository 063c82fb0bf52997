"""Files for people who have nothing installed: the dashboard, and every metric as a file.

Belongs here: taking frames from the warehouse and writing them where they were asked for, under a
temporary name first, so that nobody ever opens half a file. May import: every module below.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from io import BytesIO
from pathlib import Path

import polars as pl

from si_analytics import dashboard as page
from si_analytics import metrics, reader
from si_analytics.errors import AnalyticsError
from si_analytics.settings import Settings


class TableFormat(StrEnum):
    """What a table may be written as."""

    csv = "csv"
    parquet = "parquet"


def dashboard(settings: Settings, out: Path | None = None) -> Path:
    """Write the dashboard of the published warehouse to `out`, or to ``dashboard.html`` among the exports.

    Raises WarehouseError where there is no warehouse yet, AnalyticsError where the file cannot be written.
    """
    path = out or settings.exports / "dashboard.html"
    with reader.connect(settings) as warehouse:
        content = page.gather(warehouse)
    return _written(path, lambda: page.write(content, path))


def tables(settings: Settings, out: Path | None = None, form: TableFormat = TableFormat.csv) -> list[Path]:
    """Write each metric of the published warehouse to a file of its own in the folder `out`."""
    folder = out or settings.exports / "tables"
    with reader.connect(settings) as warehouse:
        return [_table(warehouse.metric(name), folder / f"{name}.{form.value}", form) for name in metrics.names()]


def _table(frame: pl.DataFrame, path: Path, form: TableFormat) -> Path:
    temporary = path.with_name(f".{path.name}.part")

    def write() -> Path:
        # Into memory first: of a full disk polars says so in an error of its own, the file system in plain words.
        data = BytesIO()
        if form is TableFormat.csv:
            frame.write_csv(data)
        else:
            frame.write_parquet(data)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data.getbuffer())
            return temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    return _written(path, write)


def _written(path: Path, write: Callable[[], Path]) -> Path:
    try:
        return write()
    except OSError as error:
        raise AnalyticsError(
            f"writing {path}", error.strerror or type(error).__name__, "Name another place with --out"
        ) from error
