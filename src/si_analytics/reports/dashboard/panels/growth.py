"""Growth: the marketplace month by month, and who of a month's signups stays.

Belongs here: the declarations of these panels, with their tables and charts.
"""

from __future__ import annotations

from datetime import date

from si_analytics import charts
from si_analytics.reports.dashboard import plots, sources
from si_analytics.reports.dashboard.cells import PanelTable, TableColumn
from si_analytics.reports.dashboard.content import DashboardContent, Period
from si_analytics.reports.dashboard.filters import Latest
from si_analytics.reports.dashboard.panel import Chart, Drawing, Listing, Panel
from si_analytics.reports.dashboard.plots import Figure


def growth(content: DashboardContent, _: Period | None) -> PanelTable:
    """Every month, the latest first."""
    assert content.marketplace_monthly is not None
    currency = content.currency.upper()
    columns = (
        TableColumn("month", "Month", "month"),
        TableColumn("gmv", "Completed deals", unit=currency, bar=True),
        TableColumn("new_deals", "New deals"),
        TableColumn("completed_deals", "Completed"),
        TableColumn("active_sponsors", "Sponsors", hint="Sponsors of new deals"),
        TableColumn("active_influencers", "Influencers", hint="Influencers of new deals"),
        TableColumn("platform_revenue", "Revenue", unit=currency),
        TableColumn("agent_payouts", "To agents", unit=currency),
        TableColumn("net_revenue", "Net", unit=currency),
        TableColumn("take_rate", "Take rate", "ratio", "Platform revenue as a share of completed deals"),
        TableColumn("refunds", "Refunds", unit=currency),
    )
    return PanelTable.of(content.marketplace_monthly.sort("month", descending=True), columns, "month", "months")


def cohorts(content: DashboardContent, _: Period | None) -> PanelTable:
    """Every month's signups and each month since, the latest signups first."""
    assert content.signup_cohorts is not None
    columns = (
        TableColumn("cohort_month", "Signed up in", "month"),
        TableColumn("months_since", "Months later", down=False),
        TableColumn("cohort_size", "Signups", hint="Influencers and sponsors who signed up in the month"),
        TableColumn("active", "With a deal", hint="Those of them with a new deal so many months later"),
        TableColumn("retention", "Share", "ratio", bar=True),
    )
    ordered = content.signup_cohorts.sort("cohort_month", "months_since", descending=[True, False])
    return PanelTable.of(ordered, columns, "row", "rows")


def _months_drawn(content: DashboardContent, _: Period | None) -> dict[str, Figure]:
    assert content.marketplace_monthly is not None
    made = charts.monthly(content.marketplace_monthly, currency=content.currency)
    return {"": plots.plain(made, plots.TOP_OF_PANELS)}


def _cohorts_drawn(content: DashboardContent, _: Period | None) -> dict[str, Figure]:
    assert content.signup_cohorts is not None
    return {"": plots.plain(charts.cohorts(content.signup_cohorts))}


def _growth_note(content: DashboardContent) -> str:
    """Says that the last month is not over, so that its lower figures are not read as a fall."""
    months = content.marketplace_monthly
    if months is None or months.is_empty():
        return ""
    last: date = months.sort("month")["month"][-1]
    local = content.as_of_local
    running = (last.year, last.month) == (local.year, local.month)
    return f"{last:%B %Y} is not over yet" if running else ""


PANELS = (
    Panel(
        name="growth",
        section="growth",
        title="Month by month",
        sentence="Chart of completed deals and take rate by month; the table below holds the same figures",
        sources=(sources.MARKETPLACE_MONTHLY,),
        filters=(
            Latest(
                name="growth.months",
                element="growth-months",
                label="Months",
                counts=(24, 12, 6),
                things="months",
                printed="growth of the last {} months",
                filed="last-{}-months",
            ),
        ),
        chart=Chart(drawing=Drawing("growth", _months_drawn), note=_growth_note),
        table=Listing(rows=growth, caption="The marketplace by month"),
    ),
    Panel(
        name="cohorts",
        section="growth",
        title="Retention by month of signing up",
        sentence="Heat map of the share of each month's signups with a deal in the months after; the table below holds"
        " the same figures",
        sources=(sources.SIGNUP_COHORTS,),
        chart=Chart(drawing=Drawing("cohorts", _cohorts_drawn), subtitled=True),
        table=Listing(rows=cohorts, heading="cohort_month"),
    ),
)
