"""The published numbers by other means: Postgres's own SQL, pandas, and the schema document's view.

Belongs here: running them. The SQL and the pandas program themselves are in `published` and ``schema_document/``.
"""

from __future__ import annotations

from pathlib import Path

import psycopg

from benchmarks.tasks import Task, Work


def published_in_postgres(task: Task) -> Work:
    """Every published number in well-written Postgres SQL, left in temporary tables: nothing is checked or compared."""
    from benchmarks.published import postgres

    def run() -> int:
        with psycopg.connect(task.url, autocommit=True) as connection:
            return postgres(connection, task.moment)

    return Work(run)


def published_in_pandas(task: Task) -> Work:
    """Every published number in pandas: the columns needed are read from Postgres, nothing is written back."""
    from benchmarks.published import with_pandas

    return Work(lambda: with_pandas.pandas(task.url, task.moment))


def pandas_agreement(task: Task) -> Work:
    """Whether pandas gives what the refresh before it published; raises ValueError at the first difference."""
    from benchmarks.published import agreement, with_pandas

    def run() -> int:
        found = {name: with_pandas.rows(frame) for name, frame in with_pandas.frames(task.url, task.moment).items()}
        with psycopg.connect(task.url) as connection:
            for name, rows in found.items():
                if unlike := agreement.difference(connection, name, rows):
                    raise ValueError(f"pandas gives other numbers than were published: {unlike}")
        return sum(map(len, found.values()))

    return Work(run)


def schema_document_view(task: Task) -> Work:
    """The schema document's agent_leaderboard as written, in a schema of its own that is rolled back."""
    text = (Path(__file__).parent / "schema_document" / "agent_leaderboard.sql").read_text(encoding="utf-8")

    def run() -> int:
        with psycopg.connect(task.url) as connection:
            connection.execute("create schema as_written")
            connection.execute("set local search_path = as_written, public")
            connection.execute(text.encode())
            row = connection.execute("select count(*) from as_written.agent_leaderboard").fetchone()
            connection.rollback()
        return int(row[0]) if row else 0

    return Work(run)
