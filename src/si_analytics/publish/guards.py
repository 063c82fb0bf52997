"""The gate before publishing: a change that no business makes overnight needs somebody's confirmation.

Belongs here: judging what a publish is about to do against what Postgres holds. Reads only; runs within the
transaction that publishes. The blocking checks have already refused what is wrong in itself.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql as pg_sql
from psycopg.rows import dict_row

from si_analytics.definitions import project
from si_analytics.definitions.targets import Target
from si_analytics.errors import ImplausibleChangeError, PublishError

FEWEST = 3
"""At least this many agents must lose everything: of two agents, one would already be half."""

_NAMED = 3
_REMEDY = (
    "Nothing was written, the previous results stand. Look what is missing in the source, or the currency or moment"
    " asked for; if it is right: si refresh --accept-change"
)


def require_plausible(connection: psycopg.Connection[Any], share: Decimal) -> None:
    """Raise ImplausibleChangeError if more than `share` of the agents who earned something would have nothing.

    Compares what is published now with what would change; lets losses of fewer than `FEWEST` agents through.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        losing = cursor.execute(project().postgres.losing_agents.text).fetchall()
    earning = losing[0]["earning_agents"] if losing else 0
    if len(losing) < FEWEST or len(losing) <= share * earning:
        return
    rows = tuple({name: row[name] for name in ("agent_id", "total_earnings", "reason")} for row in losing)
    named = [f"{row['agent_id']} {row['total_earnings']:f}" for row in rows[:_NAMED]]
    if len(rows) > _NAMED:
        named.append(f"and {len(rows) - _NAMED:,} more")
    found = (
        f"{len(rows):,} of the {earning:,} agents with earnings would have none ({', '.join(named)}),"
        f" which is more than SI_MAX_LOSING_SHARE = {share.normalize():f} lets through"
    )
    raise ImplausibleChangeError("publishing to Postgres", found, _REMEDY, rows)


def require_fitting(connection: psycopg.Connection[Any], target: Target) -> None:
    """Raise PublishError that names table, column, key and value if a value does not fit the column as it is now.

    The checks hold the numbers to the declared columns; a live column may have been narrowed.
    """
    place = {"schema": target.schema, "table": target.bare}
    limits = connection.execute(project().postgres.column_limits.text, place).fetchall()
    for column, too_large in limits:
        if column not in target.columns:
            continue
        query = pg_sql.SQL(
            "select concat_ws(' ', {key}), {column} from {changes} where action in ('insert', 'update')"
            " and abs({column}) >= {too_large} order by {key} limit 1"
        ).format(
            key=target.keys,
            column=pg_sql.Identifier(column),
            changes=target.changes,
            too_large=pg_sql.Literal(too_large),
        )
        for key, value in connection.execute(query):
            found = f"{value} of {key} does not fit {target.label}.{column}, which holds less than {too_large:,.0f}"
            raise PublishError("publishing to Postgres", found, "Nothing was written; give the column a wider type")
