"""The extracted tables: one asset each, read in one step within one snapshot.

May import: `dagster`, `si_analytics`, `pipelines.descriptions`, `pipelines.results`, `pipelines.resources`.
"""

from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from pipelines import descriptions, results
from pipelines.resources import EXTRACT, RefreshResource
from si_analytics import schema, sql

GROUP = "raw"


class Extraction(dg.Config):
    """What a refresh may be asked for; nothing need be. Empty stands for the default, so that forms show it."""

    as_of: str = Field(
        default="",
        description="The moment to describe, like 2026-06-01T00:00:00Z; a date is its midnight in the reporting time"
        " zone. Empty: now. A past moment is old times with today's statuses, not time travel.",
    )
    currency: str = Field(
        default="",
        description="The reporting currency, like usd or eur. Empty: the setting SI_CURRENCY."
        " Amounts in other currencies are left out, not converted.",
    )
    full: bool = Field(
        default=False,
        description="Read every row anew. Otherwise what changed since the last refresh is read, and everything only"
        " where changes cannot be told, with the reason shown.",
    )


def assets() -> list[dg.AssetsDefinition]:
    """Every extracted table, after the section of the schema that holds it."""
    section_of = {table: section.name for section in schema.sections() for table in section.tables}

    @dg.multi_asset(
        name=EXTRACT,
        description="Reads the listed columns of the listed tables of Postgres, all within one snapshot.",
        specs=[_spec(file, section_of[file.name]) for file in sql.read_all("extract")],
        op_tags=descriptions.FIRST,
        pool=descriptions.POOL,
    )
    def extract(
        context: dg.AssetExecutionContext, config: Extraction, refresh: RefreshResource
    ) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
        with refresh.extraction(context, config.as_of, config.currency, full=config.full) as run:
            read = {table.table: results.extracted(run, table) for table in run.extract()}
        for table, metadata in read.items():
            yield dg.MaterializeResult(asset_key=descriptions.key(GROUP, table), metadata=metadata)

    return [extract]


def _spec(file: sql.SqlFile, section: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        descriptions.key(GROUP, file.name),
        deps=[descriptions.key("operational", section)],
        group_name=GROUP,
        description=descriptions.description(file),
        metadata=descriptions.metadata(file, f"warehouse.{GROUP}.{file.name}"),
        kinds={"duckdb", "sql"},
        owners=descriptions.OWNERS,
        tags={"section": section},
    )
