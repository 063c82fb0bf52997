"""A reader who looks again and again whether what it sees is of one refresh.

Belongs here: what must agree at every moment in Postgres, in the published file, and between the two. Reads as any
client would, without the library.
"""

from __future__ import annotations

import json
import os
import select
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from si_analytics.settings import Settings

# In one statement, so of one moment: how many agents the board, the performance table and the profiles differ about.
IN_POSTGRES = """
select count(*)
from public.agent_leaderboard as board
full join public.agent_performance_metrics as performance on performance.user_id = board.agent_id
full join public.agent_profiles as profiles on profiles.user_id = board.agent_id
where
    (board.total_earnings, board.total_deals, board.total_referrals)
    is distinct from (performance.total_earnings, performance.total_deals, performance.total_referrals)
    or board.total_earnings is distinct from profiles.total_earnings
"""
IN_FILE = """
select count(*)
from metrics.agent_leaderboard as board
full join metrics.agent_performance_metrics as performance on performance.user_id = board.agent_id
full join metrics.agent_profile_summaries as profiles on profiles.agent_id = board.agent_id
where
    (board.total_earnings, board.total_deals, board.total_referrals)
    is distinct from (performance.total_earnings, performance.total_deals, performance.total_referrals)
    or board.total_earnings is distinct from profiles.total_earnings
"""
LAST = "select refresh_id from meta.refreshes order by number desc limit 1"
COUNTED = f"""
select 'raw', table_name, rows from meta.extracts where refresh_id = ({LAST})
union all
select 'metrics', metric, rows from meta.metrics where refresh_id = ({LAST})
"""


def in_file(path: Path, published: psycopg.Connection[Any]) -> list[str]:
    """What in the published file is not of the one refresh that it says it is."""
    with duckdb.connect(str(path), read_only=True) as connection:
        ((mixed,),) = connection.sql(IN_FILE).fetchall()
        ((last,),) = connection.sql(LAST).fetchall()
        counted = connection.sql(COUNTED).fetchall()
        held = connection.sql(
            "select schema_name, table_name from duckdb_tables() where schema_name in ('raw', 'metrics')"
        ).fetchall()
        wrong = [f"{s}.{n}" for s, n, rows in counted if len(connection.table(f"{s}.{n}")) != rows]
    wrong += [f"{mixed} agents"] if mixed else []
    wrong += [f"held and not recorded, or the reverse: {set(held) ^ {(s, n) for s, n, _ in counted}}"] * (
        set(held) != {(s, n) for s, n, _ in counted}
    )
    told = published.execute("select count(*) from analytics.refreshes where refresh_id = %s", [last]).fetchone()
    return wrong if told == (1,) else [*wrong, "Postgres is behind the file"]


def watch(settings: Settings, heard: int, tell: int) -> None:
    """Look until `heard` is closed; then tell how often, at how many files, and what did not agree."""
    looks, files, broken = 0, set(), []
    assert settings.postgres_url is not None
    url = settings.postgres_url.get_secret_value()
    try:
        with psycopg.connect(url, autocommit=True, options="-c statement_timeout=10s") as connection:
            while not select.select([heard], [], [], 0.025)[0]:
                row = connection.execute(IN_POSTGRES).fetchone()
                broken += [f"Postgres: {row}"] * (row != (0,))
                looks += 1
                now = settings.warehouse.stat()
                if (now.st_ino, now.st_mtime_ns) not in files:
                    files.add((now.st_ino, now.st_mtime_ns))
                    broken += [f"file: {one}" for one in in_file(settings.warehouse, connection)]
    except (psycopg.Error, duckdb.Error, OSError) as error:  # told, so that nobody waits for an answer
        broken.append(f"{type(error).__name__}: {error}")
    os.write(tell, json.dumps({"looks": looks, "files": len(files), "broken": broken[:20]}).encode())
