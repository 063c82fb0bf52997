"""Small dumps to load: two users and a gig, as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

ANN = "00000000-0000-4000-8000-00000000000a"
BOB = "00000000-0000-4000-8000-00000000000b"
GIG = "00000000-0000-4000-8000-0000000000c1"
USERS = f"""id,email,password_hash,name,role
{ANN},ann@example.com,x,Ann,sponsor
{BOB},bob@example.com,x,Bob,influencer
"""
GIGS = f"""id,sponsor_id,title,description,budget_min,budget_max,categories,influencer_types
{GIG},{ANN},Run,Run far,10,20.50,{{}},"{{athlete,""ex, pro""}}"
"""


def write(folder: Path, **files: str | bytes) -> None:
    """Files by name; `users_csv` becomes users.csv."""
    for name, content in files.items():
        stem, _, form = name.rpartition("_")
        (folder / f"{stem}.{form}").write_bytes(content.encode() if isinstance(content, str) else content)


def rows(connection: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()
