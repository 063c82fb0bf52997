"""The materialized views that show the boards, refreshed in the transaction that writes these.

Belongs here: refreshing them so that readers go on, as their owner or through the function the owner lends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql as pg_sql

from si_analytics.definitions import project
from si_analytics.errors import PublishError
from si_analytics.postgres import operational
from si_analytics.publish.transaction import UNDONE
from si_analytics.schema import stale_views


def refresh(connection: psycopg.Connection[Any], changed: Mapping[str, int]) -> None:
    """Refresh the views of these names whose rows changed; for views not ours, call their owner's function."""
    for one in stale_views.find(connection, tuple(changed)):
        raise PublishError("refreshing the published views", str(one), f"{UNDONE}. Make it anew: {one.remedy}")
    for name in changed:
        ((populated, owned, lent),) = connection.execute(
            project().postgres.view_state.text, {"view": name, "schema": operational.SCHEMA}
        ).fetchall() or [(None, None, None)]
        if populated is None:
            raise PublishError(f"refreshing public.{name}", "there is no such view", f"{UNDONE}. Run: si schema apply")
        if populated and not changed[name]:
            continue
        if owned:
            how = pg_sql.SQL("concurrently" if populated else "")
            view = pg_sql.Identifier(operational.SCHEMA, name)
            connection.execute(pg_sql.SQL("refresh materialized view {} {}").format(how, view))
        elif lent:
            connection.execute("select analytics.refresh_view(%s)", [name])
        else:
            raise PublishError(
                f"refreshing public.{name}",
                "only its owner may",
                f"{UNDONE}. Connect as the owner, or as a member of si_publisher: si schema roles",
            )
