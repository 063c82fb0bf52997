"""The brands: what sponsors are known for among those who worked with them.

Belongs here: the declaration of this panel, with its table and chart.
"""

from __future__ import annotations

import polars as pl

from si_analytics import charts
from si_analytics.reports.dashboard import plots, sources
from si_analytics.reports.dashboard.cells import PanelTable, TableColumn
from si_analytics.reports.dashboard.content import DashboardContent, Period
from si_analytics.reports.dashboard.filters import Search
from si_analytics.reports.dashboard.panel import Chart, Drawing, Listing, Panel
from si_analytics.reports.dashboard.plots import Figure


def brands(content: DashboardContent, _: Period | None) -> PanelTable:
    """Every brand, by rank; brands without a review have no rank and come last."""
    columns = (
        TableColumn("rank", "Rank", down=False),
        TableColumn("company", "Brand", "name", down=False),
        TableColumn(
            "reputation_score",
            "Reputation",
            hint="Mean rating, drawn to the mean of all while reviews are few",
            unit="1 to 5",
        ),
        TableColumn("review_count", "Reviews"),
        TableColumn("overall_rating", "Overall", hint="Mean rating of the brand's reviews", unit="1 to 5"),
        TableColumn("payment_speed_rating", "Payment", hint="Mean rating of payment speed", unit="1 to 5"),
        TableColumn("communication_rating", "Communication", unit="1 to 5"),
        TableColumn("professionalism_rating", "Professionalism", unit="1 to 5"),
        TableColumn("total_deals", "Deals"),
        TableColumn(
            "average_payment_time",
            "Pays after",
            hint="Mean time from submitted work to release",
            unit="days",
            down=False,
        ),
        TableColumn("sponsor_id", "Sponsor id", "text", shown=False),
    )
    return PanelTable.of(_in_order(content.brand_reputations), columns, "brand", "brands")


def _in_order(brands: pl.DataFrame) -> pl.DataFrame:
    return brands.sort("rank", "total_deals", "sponsor_id", descending=[False, True, False], nulls_last=True)


def _ranked(content: DashboardContent, _: Period | None) -> dict[str, Figure]:
    brands = content.brand_reputations
    count = brands["rank"].count()  # the others are unrated, and last in the table
    return {"": plots.ranked(charts.brand_reputation(brands, top=max(count, 1)), count, brands.height)}


PANELS = (
    Panel(
        name="brands",
        section="brands",
        title="Brands by reputation (1 to 5)",
        sentence="Chart of the brands that match, by reputation score, with the mean of their own reviews; the table"
        " below holds the same figures",
        sources=(sources.BRAND_REPUTATIONS,),
        filters=(
            Search(
                name="brands.q",
                element="brands-search",
                columns=("company", "sponsor_id"),
                placeholder="Brand or id",
                printed="brands matching “{}”",
            ),
        ),
        chart=Chart(
            drawing=Drawing("brands", _ranked),
            ranked=True,
            nobody="No brand to draw.",
            nothing="No such brand has been reviewed yet.",
        ),
        table=Listing(rows=brands, caption="Brands by reputation", sort="rank"),
    ),
)
