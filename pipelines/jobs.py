"""The jobs people launch: build the schema, refresh every number, write the reports.

May import: `dagster`.
"""

from __future__ import annotations

import dagster as dg

REFRESH_METRICS = dg.define_asset_job(
    "refresh_metrics",
    selection=dg.AssetSelection.groups("raw", "metrics", "published"),
    description="Reads Postgres in one snapshot, computes every metric, runs every check, writes the rows that"
    " differ back in one transaction and replaces the warehouse. The moment and the currency can be chosen under"
    " ops > extract > config.",
)

BUILD_SCHEMA = dg.define_asset_job(
    "build_schema",
    selection=dg.AssetSelection.groups("operational"),
    description="Creates what the database lacks of the operational schema, in one transaction; drops nothing.",
)

EXPORT_DASHBOARDS = dg.define_asset_job(
    "export_dashboards",
    selection=dg.AssetSelection.groups("reports"),
    description="Writes the dashboard from the warehouse as it stands.",
)

JOBS = (REFRESH_METRICS, BUILD_SCHEMA, EXPORT_DASHBOARDS)
