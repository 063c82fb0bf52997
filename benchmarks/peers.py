"""Other tools that bring a table out of Postgres, each used the way its own documentation calls fastest.

Belongs here: one function per tool. A tool is imported where it is used, because `make bench` alone installs
them, and before the clock starts, because a service pays for an import once.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import conninfo

from benchmarks import limit
from benchmarks.tasks import Task, Work


def psycopg_pandas(task: Task) -> Work:
    """Rows fetched with psycopg, made into a pandas DataFrame."""
    import pandas as pd

    def run() -> int:
        with psycopg.connect(task.url) as connection:
            cursor = connection.execute(limit.query())
            return len(pd.DataFrame.from_records(cursor.fetchall(), columns=limit.columns()))

    return Work(run)


def polars_adbc(task: Task) -> Work:
    """polars.read_database_uri with Arrow's own Postgres driver; it gives numerics as text."""
    import adbc_driver_postgresql.dbapi  # noqa: F401
    import polars as pl

    text = limit.query().as_string(None)
    return Work(lambda: pl.read_database_uri(text, task.url, engine="adbc").height)


def polars_connectorx(task: Task) -> Work:
    """polars.read_database_uri with connectorx over one connection; it gives numerics as binary floats."""
    import connectorx  # noqa: F401
    import polars as pl

    text, address = limit.query().as_string(None), _with_host(task.url)
    return Work(lambda: pl.read_database_uri(text, address, engine="connectorx").height)


def dlt_connectorx(task: Task) -> Work:
    """dlt's sql_database source to duckdb through its connectorx backend, in a stream of batches."""
    kwargs = {"conn": _with_host(task.url), "return_type": "arrow_stream", "batch_size": 100_000}
    return _dlt(task, "connectorx", kwargs)


def dlt_pyarrow(task: Task) -> Work:
    """dlt's sql_database source to duckdb through its pyarrow backend."""
    return _dlt(task, "pyarrow", {})


def _dlt(task: Task, backend: str, backend_kwargs: dict[str, object]) -> Work:
    import dlt
    from dlt.sources.sql_database import sql_table
    from sqlalchemy import create_engine

    scratch = Path(task.scratch)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(task.url))

    def run() -> int:
        pipeline = dlt.pipeline(
            "benchmark",
            pipelines_dir=str(scratch / "dlt"),
            destination=dlt.destinations.duckdb(str(scratch / "dlt.duckdb")),
            dataset_name="raw",
        )
        table = sql_table(
            credentials=engine,
            table=limit.TABLE,
            schema="public",
            backend=backend,
            backend_kwargs=backend_kwargs,
            chunk_size=100_000,
            reflection_level="full_with_precision",
            included_columns=limit.columns(),
        )
        pipeline.run(table, write_disposition="replace").raise_on_failed_jobs()
        with pipeline.sql_client() as client:
            rows = client.execute_sql(f"select count(*) from {limit.TABLE}")  # noqa: S608 - a constant
        return int(rows[0][0]) if rows else 0

    return Work(run)


def _with_host(url: str) -> str:
    """The address with its host where connectorx looks for it: a folder of sockets is percent-encoded."""
    parts = {key: str(value) for key, value in conninfo.conninfo_to_dict(url).items() if value is not None}
    user = quote(parts.get("user", "postgres"), safe="")
    password = ":" + quote(parts["password"], safe="") if "password" in parts else ""
    place = f"{quote(parts.get('host', 'localhost'), safe='')}:{parts.get('port', '5432')}"
    return f"postgresql://{user}{password}@{place}/{quote(parts.get('dbname', user), safe='')}"
