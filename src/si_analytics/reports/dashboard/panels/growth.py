"""Growth: the marketplace month by month, and who of a month's signups stays.

Belongs here: the declarations of these panels, with their tables and charts.
"""

from __future__ import annotations

from datetime import date

from si_analytics import charts
from si_analytics.reports.dashboard import plots, sources
from si_analytics.reports.dashboard.cells import Column, Table
from si_analytics.reports.dashboard.content import DashboardContent, Period
from si_analytics.reports.dashboard.filters import Latest
from si_analytics.reports.dashboard.panel import Chart, Drawing, Listing, Panel
from si_analytics.reports.dashboard.plots import Figure


def growth(content: DashboardContent, _: Period | None) -> Table:
    """Every month, the latest first."""
    assert content.marketplace_monthly is not None
    currency = content.currency.upper()
    columns = (
        Column("month", "Month", "month"),
        Column("gmv", "Completed deals", unit=currency, bar=True),
        Column("new_deals", "New deals"),
        Column("completed_deals", "Completed"),
        Column("active_sponsors", "Sponsors", hint="Sponsors of new deals"),
        Column("active_influencers", "Influencers", hint="Influencers of new deals"),
        Column("platform_revenue", "Revenue", unit=currency),
        Column("agent_payouts", "To agents", unit=currency),
        Column("net_revenue", "Net", unit=currency),
        Column("take_rate", "Take rate", "ratio", "Platform revenue as a share of completed deals"),
        Column("refunds", "Refunds", unit=currency),
    )
    return Table.of(content.marketplace_monthly.sort("month", descending=True), columns, "month", "months")


def cohorts(content: DashboardContent, _: Period | None) -> Table:
    """Every month's signups and each month since, the latest signups first."""
    assert content.signup_cohorts is not None
    columns = (
        Column("cohort_month", "Signed up in", "month"),
        Column("months_since", "Months later", down=False),
        Column("cohort_size", "Signups", hint="Influencers and sponsors who signed up in the month"),
        Column("active", "With a deal", hint="Those of them with a new deal so many months later"),
        Column("retention", "Share", "ratio", bar=True),
    )
    ordered = content.signup_cohorts.sort("cohort_month", "months_since", descending=[True, False])
    return Table.of(ordered, columns, "row", "rows")


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
