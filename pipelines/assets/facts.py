"""Facts and dimensions: one asset for each file of ``sql/facts`` and ``sql/dimensions``, after the tables it reads."""

import time

import dagster as dg

from pipelines import columns, descriptions, results
from pipelines.resources import RefreshResource
from si_analytics.compute import facts

GROUP = "facts"


def assets() -> list[dg.AssetsDefinition]:
    """Every dimension and every fact; the metrics that stand on them come after."""
    return [_asset(table) for table in facts.names()]


def _asset(table: str) -> dg.AssetsDefinition:
    one = facts.of(table)
    schema, _, name = table.partition(".")

    @dg.asset(
        key=descriptions.key(schema, name),
        deps=descriptions.inputs(one.inputs),
        group_name=GROUP,
        description=descriptions.of_fact(one),
        metadata={
            **descriptions.metadata(one, f"warehouse.{table}"),
            **columns.table_schema(columns.of_fact(one)),
        },
        tags=descriptions.topic(one),
        kinds={"duckdb", "sql"},
        owners=descriptions.OWNERS,
        freshness_policy=descriptions.FRESH_DAILY,
        pool=descriptions.POOL,
    )
    def lay_out(context: dg.AssetExecutionContext, refresh: RefreshResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with refresh.step(context) as run:
            started = time.perf_counter()
            rows = run.lay_out(table)
            metadata = results.laid_out(run, table, rows, time.perf_counter() - started)
        return dg.MaterializeResult(metadata=metadata)

    return lay_out
