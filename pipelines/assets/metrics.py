"""The metrics: one asset for each file of ``sql/metrics``, after the tables it reads."""

import time

import dagster as dg

from pipelines import columns, descriptions, results
from pipelines.resources import RefreshResource
from si_analytics.compute import metrics
from si_analytics.definitions import Metric, project

GROUP = "metrics"


def assets() -> list[dg.AssetsDefinition]:
    """Every metric, each after those it is computed from."""
    return [_asset(project().metrics[name]) for name in metrics.names()]


def _asset(metric: Metric) -> dg.AssetsDefinition:
    @dg.asset(
        key=descriptions.key(GROUP, metric.name),
        deps=descriptions.inputs(metrics.inputs(metric.name)),
        group_name=GROUP,
        description=descriptions.description(metric),
        metadata={
            **descriptions.metadata(metric, f"warehouse.{GROUP}.{metric.name}"),
            **columns.table_schema(columns.of_metric(metric.name)),
        },
        tags=descriptions.topic(metric),
        kinds={"duckdb", "sql"},
        owners=descriptions.OWNERS,
        freshness_policy=descriptions.FRESH_DAILY,
        pool=descriptions.POOL,
    )
    def compute(context: dg.AssetExecutionContext, refresh: RefreshResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with refresh.step(context) as run:
            started = time.perf_counter()
            rows = run.compute(metric.name)
            metadata = results.computed(run, metric.name, rows, time.perf_counter() - started)
        return dg.MaterializeResult(metadata=metadata)

    return compute
