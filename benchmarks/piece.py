"""One piece of work in a process of its own: a task comes in on standard input, what it took goes out.

Belongs here: the list of pieces, the clock, the memory. `python -m benchmarks.piece NAME`.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import limit, ours, peers, sql_peers
from benchmarks.tasks import Measured, Task, Work


@dataclass(frozen=True)
class Piece:
    """What is measured: what it is called, what makes it ready, which packages it needs."""

    title: str
    make: Callable[[Task], Work]
    packages: tuple[str, ...] = ()


PIECES: Mapping[str, Piece] = {
    "raw_copy": Piece("raw binary `COPY`, discarded (the limit)", limit.raw_copy),
    "full": Piece("si_analytics, full", ours.full_extraction),
    "reader": Piece("si_analytics, full, as `si_reader`", ours.full_extraction),
    "full_reading": Piece("si_analytics, full, not reconciled", ours.full_reading),
    "reader_reading": Piece("si_analytics, full, as `si_reader`, not reconciled", ours.full_reading),
    "view_reading": Piece("si_analytics, full, through the view, not reconciled", ours.full_reading),
    "unchanged_reading": Piece("si_analytics, nothing changed, not reconciled", ours.incremental_reading),
    "changed_0.1_reading": Piece("si_analytics, 0.1 % changed, not reconciled", ours.incremental_reading),
    "unchanged": Piece("si_analytics, incremental, nothing changed", ours.incremental_extraction),
    "changed_0.1": Piece("si_analytics, incremental, 0.1 % changed", ours.incremental_extraction),
    "changed_1": Piece("si_analytics, incremental, 1 % changed", ours.incremental_extraction),
    "psycopg_pandas": Piece("psycopg and pandas", peers.psycopg_pandas, ("pandas",)),
    "polars_adbc": Piece("polars, ADBC", peers.polars_adbc, ("adbc_driver_postgresql",)),
    "polars_connectorx": Piece("polars, connectorx", peers.polars_connectorx, ("connectorx",)),
    "dlt_connectorx": Piece("dlt to duckdb, connectorx", peers.dlt_connectorx, ("dlt", "connectorx")),
    "dlt_pyarrow": Piece("dlt to duckdb, pyarrow", peers.dlt_pyarrow, ("dlt",)),
    "full_refresh": Piece("si_analytics, whole refresh, full", ours.full_refresh),
    "incremental_refresh": Piece("si_analytics, whole refresh, 0.1 % changed", ours.incremental_refresh),
    "unchanged_refresh": Piece("si_analytics, whole refresh, nothing changed, a minute on", ours.unchanged_refresh),
    "few_changed_refresh": Piece("si_analytics, whole refresh, 5,000 rows changed", ours.incremental_refresh),
    "publication": Piece("publishing, by itself", ours.publication),
    "published_in_postgres": Piece("Postgres SQL for the same numbers", sql_peers.published_in_postgres),
    "published_in_pandas": Piece(
        "pandas for the same numbers", sql_peers.published_in_pandas, ("pandas", "adbc_driver_postgresql")
    ),
    "pandas_agreement": Piece(
        "pandas gives what was published", sql_peers.pandas_agreement, ("pandas", "adbc_driver_postgresql")
    ),
    "schema_document_view": Piece("the schema document's view, alone", sql_peers.schema_document_view),
    "extract_and_compute": Piece("extract everything, compute, check", ours.extract_and_compute),
}


def main(name: str) -> None:
    """Do the piece once and print what it took."""
    task = Task.from_json(sys.stdin.read())
    work = PIECES[name].make(task)
    started = time.perf_counter()
    rows = work.run()
    seconds = time.perf_counter() - started
    peak_mb = _peak_mb()
    if work.after:
        work.after()
    # The last line: some tools print words of their own.
    sys.stdout.write("\n" + json.dumps(asdict(Measured(seconds, rows, peak_mb))) + "\n")


def _peak_mb() -> float:
    """The most memory this process has held. Linux hands `ru_maxrss` down from the process that started this one."""
    status = Path("/proc/self/status")
    if status.is_file():
        (line,) = [one for one in status.read_text(encoding="ascii").splitlines() if one.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(sys.argv[1])
