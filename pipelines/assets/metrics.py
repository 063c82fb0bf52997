"""The metrics: one asset for each file of ``sql/metrics``, after the tables its header names."""

import time

import dagster as dg

from pipelines import columns, descriptions, results
from pipelines.resources import RefreshResource
from si_analytics.compute import metrics
from si_analytics.definitions import files

GROUP = "metrics"


def assets() -> list[dg.AssetsDefinition]:
    """Every metric, each after those it is computed from."""
    return [_asset(files.read("metrics", name)) for name in metrics.names()]


def _asset(file: files.SqlFile) -> dg.AssetsDefinition:
    @dg.asset(
        key=descriptions.key(GROUP, file.name),
        deps=descriptions.inputs(metrics.inputs(file.name)),
        group_name=GROUP,
        description=descriptions.description(file),
        metadata={
            **descriptions.metadata(file, f"warehouse.{GROUP}.{file.name}"),
            **columns.table_schema(columns.of_metric(file.name)),
        },
        tags=descriptions.topic(file),
        kinds={"duckdb", "sql"},
        owners=descriptions.OWNERS,
        freshness_policy=descriptions.FRESH_DAILY,
        pool=descriptions.POOL,
    )
    def compute(context: dg.AssetExecutionContext, refresh: RefreshResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with refresh.step(context) as run:
            started = time.perf_counter()
            rows = run.compute(file.name)
            metadata = results.computed(run, file.name, rows, time.perf_counter() - started)
        return dg.MaterializeResult(metadata=metadata)

    return compute
