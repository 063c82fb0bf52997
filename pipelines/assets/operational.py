"""The operational schema: one asset for each section of it, built in one transaction."""

import re
from collections.abc import Iterator, Mapping

import dagster as dg

from pipelines import columns, descriptions
from si_analytics import schema, settings
from si_analytics.definitions import project

GROUP = "operational"
_REFERENCE = re.compile(r"\breferences\s+(\w+)")


def assets() -> list[dg.AssetsDefinition]:
    """The sections; they refer to each other's tables, so one step applies all of them."""
    sections = schema.sections()
    section_of = {table: section.name for section in sections for table in section.tables}

    @dg.multi_asset(
        name="apply_schema",
        description="Creates what the database lacks of the operational schema; never drops anything.",
        specs=[_spec(section, section_of) for section in sections],
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
                    "seconds": round(report.seconds, 3),
                },
            )

    return [apply_schema]


def _spec(section: schema.Section, section_of: Mapping[str, str]) -> dg.AssetSpec:
    tables = "\n".join(f"- `{table}`: {project().tables[table].remark}" for table in section.tables)
    referred = {section_of[table] for table in _REFERENCE.findall(section.script.text) if table in section_of}
    return dg.AssetSpec(
        descriptions.key(GROUP, section.name),
        deps=[descriptions.key(GROUP, name) for name in sorted(referred - {section.name})],
        group_name=GROUP,
        description=f"{descriptions.description(section.script)}\n\nTables:\n\n{tables}",
        metadata={
            **descriptions.metadata(section.script, ", ".join(f"public.{table}" for table in section.tables)),
            **columns.table_schema(columns.of_section(section)),
        },
        kinds={"postgres", "sql"},
        owners=descriptions.OWNERS,
        tags={"section": section.name},
    )
