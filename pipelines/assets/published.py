"""What is written back to Postgres: one asset for each target, all in one step and one transaction."""

from collections.abc import Iterator

import dagster as dg

from pipelines import columns, descriptions, results
from pipelines.resources import RefreshResource
from si_analytics.definitions import files, project

GROUP = "published"


def assets() -> list[dg.AssetsDefinition]:
    """Every target, after the metric it is written from."""

    @dg.multi_asset(
        name="publish",
        description="Writes the rows that differ, in one transaction, unless a blocking check found something.",
        specs=[_spec(file) for file in files.read_all("publish")],
        op_tags=descriptions.LAST,
        pool=descriptions.POOL,
    )
    def publish(context: dg.AssetExecutionContext, refresh: RefreshResource) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
        with refresh.publication(context) as run:
            written = {change.target: results.published(run, change) for change in run.publish()}
        for target, metadata in written.items():
            yield dg.MaterializeResult(asset_key=descriptions.key(GROUP, target), metadata=metadata)

    return [publish]


def _spec(file: files.SqlFile) -> dg.AssetSpec:
    return dg.AssetSpec(
        descriptions.key(GROUP, file.name),
        deps=descriptions.inputs((file.fields["Source"],)),
        group_name=GROUP,
        description=descriptions.in_words(file, {name: file.fields[name] for name in ("Target", "Source", "Key")}),
        metadata={
            **descriptions.metadata(file, file.fields["Target"]),
            **columns.table_schema(columns.of_target(file)),
        },
        tags=descriptions.topic(project().metrics[file.fields["Source"].removeprefix("metrics.")]),
        kinds={"postgres", "sql"},
        owners=descriptions.OWNERS,
        freshness_policy=descriptions.FRESH_DAILY,
    )
