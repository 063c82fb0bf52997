"""Every published number in Postgres's own SQL: one file per result, each left in a temporary table.

Belongs here: the order of the files of ``postgres/`` and running them. A materialized view would hold the same
rows; a temporary table spares the log and needs no cleaning up.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from si_analytics.compute.metrics import DEFAULT_WEIGHTS

STEPS = (
    *("agent_leaderboard", "agent_profiles"),
    *("agent_waits", "agent_components", "agent_performance_metrics"),
    *("brand_reputations", "brand_leaderboard"),
    *("contact_engagement", "invite_templates", "users"),
    *("invite_funnel", "gig_funnel", "application_funnel", "negotiation_funnel", "escrow_funnel"),
    "conversion_funnels",
)
"""The files, each after those whose tables it reads."""

RESULTS = (
    *("agent_leaderboard", "agent_performance_metrics", "agent_profiles", "brand_leaderboard", "brand_reputations"),
    *("contact_engagement", "conversion_funnels", "invite_templates", "users"),
)
"""The published ones, by the name of the table or view that shows them; the other steps lead to these."""


def postgres(
    connection: psycopg.Connection[Any],
    as_of: datetime,
    currency: str = "usd",
    weights: Mapping[str, Decimal] = DEFAULT_WEIGHTS,
) -> int:
    """Compute every published number on the server, and return how many rows they have.

    They are left in `pg_temp`, under the names of RESULTS, until the transaction around the call ends; without one
    they go at once.
    """
    parameters = {"as_of": as_of, "currency": currency, **weights}
    with connection.transaction():
        for name in STEPS:
            text = (Path(__file__).parent / "postgres" / f"{name}.sql").read_text(encoding="utf-8")
            connection.execute(text.encode(), parameters, prepare=False)
        return sum(_rows(connection, name) for name in RESULTS)


def _rows(connection: psycopg.Connection[Any], name: str) -> int:
    row = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier("pg_temp", name))).fetchone()
    return int(row[0]) if row else 0
