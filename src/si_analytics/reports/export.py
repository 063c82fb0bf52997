"""Writes files for people who have nothing installed: the dashboard, and every metric as a file.

Belongs here: taking frames from the warehouse, and where files go. Writes each under a temporary name first, so that
nobody ever opens half a file. Unless a place is named, files go into the folder of their refresh, with ``latest``
beside it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC
from enum import StrEnum
from pathlib import Path

from si_analytics.charts.saving import whole_file
from si_analytics.compute import metrics
from si_analytics.definitions import project
from si_analytics.errors import AnalyticsError
from si_analytics.query import warehouse as query_warehouse
from si_analytics.reports import dashboard as page
from si_analytics.reports import pdf as reports_pdf
from si_analytics.reports import spreadsheets
from si_analytics.settings import Settings

LATEST = "latest"

Tell = Callable[[str], None]


class PageFormat(StrEnum):
    """The formats of a dashboard."""

    html = "html"
    pdf = "pdf"


class TableFormat(StrEnum):
    """The formats of tables: a file each, or one workbook with a sheet each."""

    csv = "csv"
    parquet = "parquet"
    xlsx = "xlsx"


def dashboard(settings: Settings, out: Path | None = None, form: PageFormat = PageFormat.html) -> Path:
    """Write the dashboard of the published warehouse to `out`, or among the exports of its refresh.

    There it also becomes ``exports/dashboard.html``, whichever refresh was exported last. Raises WarehouseError if
    there is no warehouse yet, AnalyticsError if the file cannot be written or no browser prints the PDF.
    """
    name = f"dashboard.{form.value}"
    asked = f"printing the dashboard to {out or settings.exports / name}"
    if form is PageFormat.pdf:
        reports_pdf.browser(asked)  # before drawing a page that nobody could print
    with query_warehouse.connect(settings) as warehouse:
        version, content = _version(warehouse), page.gather(warehouse)
    data = page.render(content).encode()
    if form is PageFormat.pdf:
        data = reports_pdf.pdf(data, asked)
    if out is not None:
        return _write(out, data)
    _write(settings.exports / version / name, data)
    _point(settings.exports, version)
    return _write(settings.exports / name, data)


def tables(
    settings: Settings, out: Path | None = None, form: TableFormat = TableFormat.csv, *, tell: Tell | None = None
) -> list[Path]:
    """Write each metric of the published warehouse to a file of its own, or as XLSX all to one workbook.

    Writes into the folder `out`, or among the exports of its refresh. Makes all files before it writes the first. A
    metric too large for a sheet becomes a CSV file beside the workbook. Calls `tell` with a sentence for each thing a
    workbook could not hold.
    """
    with query_warehouse.connect(settings) as warehouse:
        version = _version(warehouse)
        files, notes = _workbook(warehouse) if form is TableFormat.xlsx else (_files(warehouse, form), ())
    if tell is not None:
        for note in notes:
            tell(note)
    folder = out or settings.exports / version / "tables"
    written = [_write(folder / name, data) for name, data in files.items()]
    if out is None:
        _point(settings.exports, version)
    return written


def warning(settings: Settings) -> str:
    """What is unusual about the age of the published figures, in the words every file uses; empty if nothing is."""
    with query_warehouse.connect(settings) as warehouse:
        return warehouse.freshness().warning


def _files(warehouse: query_warehouse.Warehouse, form: TableFormat) -> dict[str, bytes]:
    encode = spreadsheets.csv if form is TableFormat.csv else spreadsheets.parquet
    return {f"{name}.{form.value}": encode(warehouse.metric(name)) for name in metrics.names()}


def _workbook(warehouse: query_warehouse.Warehouse) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The workbook and the files beside it, and what the reader must know about them."""
    fresh = warehouse.freshness()
    about = {
        "as of": warehouse.as_of.astimezone(UTC).isoformat(),
        "how old": fresh.told,
        **({"warning": fresh.warning} if fresh.warning else {}),
        "currency": warehouse.currency,
        "time zone of days and months": warehouse.timezone,
        "times": "in UTC",
        "refresh": warehouse.refresh_id,
        "snapshot": warehouse.snapshot,
    }
    filled = [_sheet(warehouse, name) for name in metrics.names()]
    made = spreadsheets.workbook(filled, about, warehouse.as_of)
    beside = {f"{one.name}.csv": spreadsheets.csv(one.frame) for one in filled if one.name in made.too_large}
    return {"metrics.xlsx": made.data, **beside}, made.notes


def _sheet(warehouse: query_warehouse.Warehouse, name: str) -> spreadsheets.Sheet:
    metric = project().metrics[name]
    units = {column.name: column.unit for column in metric.columns}
    return spreadsheets.Sheet(name, metric.summary, warehouse.metric(name), units)


def _version(warehouse: query_warehouse.Warehouse) -> str:
    """The folder of a refresh: its as_of, so that folders sort by time, and its id."""
    return f"{warehouse.as_of.astimezone(UTC):%Y-%m-%dT%H%M%SZ}-{warehouse.refresh_id[:8]}"


def _write(path: Path, data: bytes) -> Path:
    return whole_file(path, data, "writing")


def _point(exports: Path, version: str) -> None:
    """Make ``latest`` lead to the folder of that version: a link, or a copy if the file system has no links."""
    latest, coming = exports / LATEST, exports / f".{LATEST}.{os.getpid()}.partial"
    try:
        if latest.is_symlink() or not latest.exists():
            try:
                coming.symlink_to(version, target_is_directory=True)
            except (OSError, NotImplementedError):
                shutil.copytree(exports / version, coming)
            coming.replace(latest)
        else:
            shutil.copytree(exports / version, coming)
            shutil.rmtree(latest)
            coming.rename(latest)
    except OSError as error:
        if coming.is_symlink():
            coming.unlink()
        shutil.rmtree(coming, ignore_errors=True)
        raise AnalyticsError(
            f"writing {latest}", error.strerror or type(error).__name__, "Name another place with --out"
        ) from error
