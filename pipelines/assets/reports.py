"""Files for people, made from the published warehouse."""

import os

import dagster as dg

from pipelines import descriptions, results
from pipelines.launch_config import REPORTS, Reports
from si_analytics import settings
from si_analytics.compute import metrics
from si_analytics.definitions import project
from si_analytics.query import warehouse as query_warehouse
from si_analytics.reports import dashboard as page

GROUP = "reports"


def assets() -> list[dg.AssetsDefinition]:
    """The dashboard: a single HTML file that opens from disk, and the further files the form asks for."""

    @dg.asset(
        key=descriptions.key(GROUP, "dashboard"),
        deps=_drawn_from(),
        group_name=GROUP,
        description="The leaderboard, agents' performance, brands and funnels on one page, a file that opens in any"
        " browser without a server.\n\nEach export is kept in a folder of its refresh; `dashboard.html` beside them is"
        " the last. The form of `export_dashboards` also asks for it as PDF, and for the metrics as tables.",
        metadata={"dagster/code_references": descriptions.code_reference("src/si_analytics/reports/export.py")},
        kinds={"html"},
        owners=descriptions.OWNERS,
        tags={"topic": "marketplace"},
        op_tags=descriptions.AFTER_ALL,
        freshness_policy=descriptions.FRESH_WEEKLY,
    )
    def dashboard(context: dg.AssetExecutionContext, config: Reports) -> dg.MaterializeResult:  # type: ignore[type-arg]
        # Imported late: writing files loads what no other step needs, and every run loads this module.
        from si_analytics.reports import export

        current = settings.load()
        pages = [export.dashboard(current, form=export.PageFormat(one)) for one in config.pages]
        notes: list[str] = []
        forms = [export.TableFormat(one) for one in config.tables]
        tables = [path for one in forms for path in export.tables(current, form=one, tell=notes.append)]
        with query_warehouse.connect(current) as warehouse:
            made = results.exported(warehouse, pages, tables, current.exports, os.environ.get("EXPORTS_URL"))
        for note in notes:
            context.log.warning(note)
        made |= {"not in the workbook whole": "\n".join(notes)} if notes else {}
        return dg.MaterializeResult(metadata=made)

    assert dashboard.op.name == REPORTS  # the form passes its fields to this step
    return [dashboard]


def _drawn_from() -> list[dg.AssetKey]:
    """Everything the page reads, every metric that the form offers as a table, and what is published of these.

    The page shows a refresh only after its publication, although it reads the warehouse.
    """
    tables = {*page.reads(), *(f"metrics.{name}" for name in metrics.names())}
    published = [target.name for target in project().targets.values() if target.source in tables]
    return [
        *(descriptions.key(*table.split(".")) for table in sorted(tables)),
        *(descriptions.key("published", target) for target in published),
    ]
