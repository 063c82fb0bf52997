"""The extracted tables: one asset each, read in one step within one snapshot."""

from collections.abc import Iterator

import dagster as dg

from pipelines import columns, descriptions, results
from pipelines.launch_config import Extraction
from pipelines.resources import EXTRACT, RefreshResource
from si_analytics import schema
from si_analytics.definitions import Source, project

GROUP = "raw"


def assets() -> list[dg.AssetsDefinition]:
    """Every extracted table, after the section of the schema that holds it."""
    section_of = {table: section.name for section in schema.sections() for table in section.tables}

    @dg.multi_asset(
        name=EXTRACT,
        description="Reads the listed columns of the listed tables of Postgres, all within one snapshot.",
        specs=[_spec(source, section_of[source.name]) for source in project().sources.values()],
        op_tags=descriptions.FIRST,
        pool=descriptions.POOL,
    )
    def extract(
        context: dg.AssetExecutionContext, config: Extraction, refresh: RefreshResource
    ) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
        chosen = {"full": config.full, "accept_change": config.accept_change}
        with refresh.extraction(context, config.as_of, config.currency, **chosen) as run:
            read = {table.table: results.extracted(run, table) for table in run.extract()}
        for table, metadata in read.items():
            yield dg.MaterializeResult(asset_key=descriptions.key(GROUP, table), metadata=metadata)

    return [extract]


def _spec(source: Source, section: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        descriptions.key(GROUP, source.name),
        deps=[descriptions.key("operational", section)],
        group_name=GROUP,
        description=descriptions.description(source),
        metadata={
            **descriptions.metadata(source, f"warehouse.{GROUP}.{source.name}"),
            **columns.table_schema(columns.of_extract(source.name)),
        },
        kinds={"duckdb", "sql"},
        owners=descriptions.OWNERS,
        tags={"section": section},
        freshness_policy=descriptions.FRESH_DAILY,
    )
