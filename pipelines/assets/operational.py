"""The operational schema: one asset for each section of it, built in one transaction.

May import: `dagster`, `si_analytics`, `pipelines.descriptions`.
"""

from collections.abc import Iterator
from itertools import pairwise

import dagster as dg

from pipelines import descriptions
from si_analytics import schema, settings

GROUP = "operational"


def assets() -> list[dg.AssetsDefinition]:
    """The sections; each builds on those before it, so the step applies all of them."""
    sections = schema.sections()
    before = {section.name: previous.name for previous, section in pairwise(sections)}

    @dg.multi_asset(
        name="apply_schema",
        description="Creates what the database lacks of the operational schema; never drops anything.",
        specs=[_spec(section, before.get(section.name)) for section in sections],
    )
    def apply_schema(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
        report = schema.apply(settings.load())
        created = [name for names in report.created.values() for name in names]
        for section in sections:
            yield dg.MaterializeResult(
                asset_key=descriptions.key(GROUP, section.name),
                metadata={
                    "tables": len(section.tables),
                    "tables created": sum(table in created for table in section.tables),
                    "objects created in all sections": len(created),
                    "seconds": report.seconds,
                },
            )

    return [apply_schema]


def _spec(section: schema.Section, previous: str | None) -> dg.AssetSpec:
    tables = "\n".join(f"- `{table}`" for table in section.tables)
    return dg.AssetSpec(
        descriptions.key(GROUP, section.name),
        deps=[descriptions.key(GROUP, previous)] if previous else [],
        group_name=GROUP,
        description=f"{descriptions.description(section.file)}\n\nTables:\n\n{tables}",
        metadata=descriptions.metadata(section.file),
        kinds={"postgres", "sql"},
        owners=descriptions.OWNERS,
        tags={"section": section.name},
    )
