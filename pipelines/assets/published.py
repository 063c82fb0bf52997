"""What is written back to Postgres: one asset for each target, all in one step and one transaction."""

from collections.abc import Iterator

import dagster as dg

from pipelines import columns, descriptions, results
from pipelines.resources import RefreshResource
from si_analytics.definitions import project
from si_analytics.definitions.targets import Target

GROUP = "published"


def assets() -> list[dg.AssetsDefinition]:
    """Every target, after the metric it is written from."""

    @dg.multi_asset(
        name="publish",
        description="Writes the rows that differ, in one transaction, unless a blocking check found something.",
        specs=[_spec(target) for target in project().targets.values()],
        op_tags=descriptions.LAST,
        pool=descriptions.POOL,
    )
    def publish(context: dg.AssetExecutionContext, refresh: RefreshResource) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
        with refresh.publication(context) as run:
            written = {change.target: results.published(run, change) for change in run.publish()}
        for target, metadata in written.items():
            yield dg.MaterializeResult(asset_key=descriptions.key(GROUP, target), metadata=metadata)

    return [publish]


def _spec(target: Target) -> dg.AssetSpec:
    metric = project().metrics[target.metric]
    return dg.AssetSpec(
        descriptions.key(GROUP, target.name),
        deps=descriptions.inputs((target.source,)),
        group_name=GROUP,
        description=descriptions.in_words(
            metric, {"table": target.label, "written from": target.source, "key": target.key}
        ),
        metadata={
            **descriptions.metadata(metric, target.table),
            **columns.table_schema(columns.of_target(target)),
        },
        tags=descriptions.topic(metric),
        kinds={"postgres", "sql"},
        owners=descriptions.OWNERS,
        freshness_policy=descriptions.FRESH_DAILY,
    )
