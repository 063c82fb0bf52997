"""What a refresh is measured against: the limit, and plain Postgres SQL for the same figures.

Belongs here: peers, written as well as their own tools allow. May import: psycopg, `si_analytics.sql`.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql as pg_sql

from si_analytics import sql


def copy_transactions(connection: psycopg.Connection[Any]) -> int:
    """Bytes of the columns a refresh reads of transactions, by binary COPY, thrown away as they come."""
    text = sql.read("extract", "transactions").text
    columns = [line.strip().rstrip(",") for line in text.partition("select\n")[2].partition("\nfrom ")[0].splitlines()]
    command = pg_sql.SQL("copy public.transactions ({}) to stdout (format binary)").format(
        pg_sql.SQL(", ").join(map(pg_sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        return sum(len(block) for block in copy)


def figures_in_postgres(connection: psycopg.Connection[Any], as_of: datetime) -> int:
    """Rows of the leaderboard and of the brands' figures, computed by Postgres itself."""
    rows = 0
    for name in ("agent_leaderboard", "brand_reputations"):
        text = (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
        rows += len(connection.execute(text, {"as_of": as_of}).fetchall())  # type: ignore[arg-type]
    return rows
