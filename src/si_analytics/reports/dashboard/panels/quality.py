"""Data quality: what the checks found, what the figures leave out, and what the refresh read.

Belongs here: the declarations of these panels, with their tables.
"""

from __future__ import annotations

import polars as pl

from si_analytics.reports.dashboard import sources
from si_analytics.reports.dashboard.cells import PanelTable, TableColumn
from si_analytics.reports.dashboard.content import DashboardContent, Period
from si_analytics.reports.dashboard.panel import Listing, Panel


def checks(content: DashboardContent, _: Period | None) -> PanelTable:
    """Every check that ran; those that found something come first."""
    columns = (
        TableColumn("check", "Check", "stage", down=False),
        TableColumn("severity", "Severity", "severity", down=False, clear_where_no="rows"),
        TableColumn("rows", "Rows found"),
        TableColumn("summary", "What such a row is", "sentence", down=False),
    )
    ordered = content.warnings.with_columns((pl.col("rows") == 0).alias("clear")).sort("clear", "severity", "check")
    return PanelTable.of(ordered, columns, "check", "checks")


def left_out(content: DashboardContent, _: Period | None) -> PanelTable:
    """Money in other currencies, which no figure includes."""
    assert content.left_out is not None
    columns = (
        TableColumn("currency", "Currency", "name", down=False),
        TableColumn("transactions", "Transactions left out"),
        TableColumn("total_amount", "Amount", hint="In that currency"),
    )
    return PanelTable.of(content.left_out.sort("currency", nulls_last=True), columns, "currency", "currencies")


def tables_read(content: DashboardContent, _: Period | None) -> PanelTable:
    """The operational tables the refresh read."""
    assert content.sources is not None
    columns = (
        TableColumn("table_name", "Table", "name", down=False),
        TableColumn("rows", "Rows", bar=True),
        TableColumn("inserted", "New"),
        TableColumn("updated", "Changed"),
        TableColumn("deleted", "Gone"),
        TableColumn("mode", "Read", "stage", "In full, or what had changed", down=False),
    )
    return PanelTable.of(content.sources.sort("table_name"), columns, "table", "tables")


PANELS = (
    Panel(
        name="checks",
        section="quality",
        title="Checks of the data",
        sentence="Every check that ran; those that found something stand first.",
        sources=(sources.CHECKS,),
        table=Listing(rows=checks, heading="check"),
    ),
    Panel(
        name="left-out",
        section="quality",
        heading="Money left out, in other currencies than {currency}",
        title="Money left out by currency",
        sentence="Money in other currencies, which no figure holds.",
        sources=(sources.LEFT_OUT,),
        table=Listing(rows=left_out, heading="currency"),
    ),
    Panel(
        name="sources",
        section="quality",
        heading="What the refresh read",
        title="Operational tables that were read",
        sentence="The operational tables that the refresh read.",
        sources=(sources.TABLES_READ,),
        table=Listing(rows=tables_read, heading="table_name"),
    ),
)
