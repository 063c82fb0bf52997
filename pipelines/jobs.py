"""The jobs people launch: build the schema, refresh every number, write the reports."""

from __future__ import annotations

import dagster as dg

from pipelines import descriptions, launch_config

# The daemon restarts a run whose process died, from its first step: steps share one refresh, which was lost with
# the process. A failed step is not retried this way, because it would fail again.
_RUN_ANEW = {"dagster/max_retries": "2", "dagster/retry_strategy": "ALL_STEPS"}

REFRESH_METRICS = dg.define_asset_job(
    "refresh_metrics",
    selection=dg.AssetSelection.groups("raw", "facts", "metrics", "published"),
    config=launch_config.refresh_form,
    run_tags={**descriptions.WRITER, **_RUN_ANEW},
    description="Reads Postgres in one snapshot, stores every fact, computes every metric, runs every check, writes the"
    " rows that differ back in one transaction and replaces the warehouse. The launchpad asks for the moment, the"
    " currency, whether to read everything and whether to accept a large loss; nothing need be given.",
)

BUILD_SCHEMA = dg.define_asset_job(
    "build_schema",
    selection=dg.AssetSelection.groups("operational"),
    description="Creates what the database lacks of the operational schema, in one transaction; drops nothing.",
)

EXPORT_DASHBOARDS = dg.define_asset_job(
    "export_dashboards",
    selection=dg.AssetSelection.groups("reports"),
    config=launch_config.reports_form,
    run_tags=_RUN_ANEW,
    description="Writes the dashboard from the warehouse as it stands. The launchpad asks for which files: the page,"
    " a PDF of it, the metrics as tables; nothing need be given.",
)

BACKFILL_HISTORY = dg.define_asset_job(
    "backfill_history",
    selection=dg.AssetSelection.groups("history"),
    run_tags={**descriptions.WRITER, **_RUN_ANEW},
    description="Fills the leaderboard and the funnels of days gone by. Choose the days under Launch backfill: all of"
    " them are one run.",
)

JOBS = (REFRESH_METRICS, BUILD_SCHEMA, EXPORT_DASHBOARDS, BACKFILL_HISTORY)
