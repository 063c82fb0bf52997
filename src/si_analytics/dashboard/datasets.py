"""The tables of the dashboard: which there are, with which columns, and how these are called.

Belongs here: turning frames into what the page's script shows, sorts, sums and downloads. May import: `charts`,
`display`, and this package's `content` and `cells`.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from si_analytics import display
from si_analytics.charts.funnels import WHOLE, stage_label
from si_analytics.dashboard.cells import Column, Table
from si_analytics.dashboard.content import DashboardContent, Period

_SHARES_TOLD = (10, 25, 50, 75, 90, 95, 100)


def agents(content: DashboardContent) -> Table:
    """Every agent, by rank: the leaderboard with what the performance score is made of beside it."""
    extra = (
        "verified_referrals",
        "average_conversion_time",
        "response_time",
        "satisfaction_score",
        "performance_score",
        "last_calculated_at",
    )
    measured = content.agent_performance_metrics
    present = [name for name in extra if name in measured.columns]
    joined = content.agent_leaderboard.join(
        measured.select(pl.col("user_id").alias("agent_id"), *present), on="agent_id", how="left"
    ).sort("rank")
    columns = _agent_columns(content.currency.upper(), display.has_movement(content.agent_leaderboard))
    return Table.of(joined, columns, "agent", "agents")


def agents_of(content: DashboardContent, period: Period) -> Table:
    """Every agent, by rank in the period: the board of that window and nothing of other times."""
    columns = (
        Column("rank", "Rank", down=False),
        Column("rank_change", "Moved", "movement", "Places gained or lost against the window as long before"),
        Column("agent_name", "Agent", "name", down=False),
        Column("tier", "Tier", "tier", down=False),
        Column(
            "total_earnings",
            "Earnings",
            hint="Commissions completed in the period",
            unit=content.currency.upper(),
            bar=True,
        ),
        Column("total_deals", "Deals", hint="Deals of the period with an active recruit as either party"),
        Column("total_referrals", "Recruits", hint="Active recruits of the period"),
        Column("agent_id", "Agent id", "text", shown=False),
        Column("previous_rank", "Previous rank", shown=False),
    )
    return Table.of(period.agent_leaderboard.sort("rank"), columns, "agent", "agents")


def _agent_columns(currency: str, moved: bool) -> tuple[Column, ...]:
    return (
        Column("rank", "Rank", down=False),
        Column("rank_change", "Moved", "movement", "Places gained or lost against the window before", shown=moved),
        Column("agent_name", "Agent", "name", down=False),
        Column("tier", "Tier", "tier", down=False),
        Column("total_earnings", "Earnings", hint="Completed commissions", unit=currency, bar=True),
        Column("performance_score", "Score", hint="Performance score, 0 to 100", unit="of 100"),
        Column("total_deals", "Deals", hint="Deals with an active recruit as either party"),
        Column("total_referrals", "Recruits", hint="Active recruits"),
        Column("verified_referrals", "Verified", hint="Active recruits from a verified invite"),
        Column(
            "average_conversion_time",
            "Converts in",
            hint="Mean time from invite to acceptance",
            unit="days",
            down=False,
        ),
        Column("response_time", "Replies in", hint="Mean time to reply", unit="hours", down=False),
        Column("satisfaction_score", "Satisfaction", hint="Mean rating of reviews about the agent", unit="1 to 5"),
        Column("agent_id", "Agent id", "text", shown=False),
        Column("previous_rank", "Previous rank", shown=False),
        Column("last_calculated_at", "As of", "text", shown=False),
    )


def brands(content: DashboardContent) -> Table:
    """Every brand, by rank; those without a review have none, and come last."""
    columns = (
        Column("rank", "Rank", down=False),
        Column("company", "Brand", "name", down=False),
        Column(
            "reputation_score",
            "Reputation",
            hint="Mean rating, drawn to the mean of all while reviews are few",
            unit="1 to 5",
        ),
        Column("review_count", "Reviews"),
        Column("overall_rating", "Overall", hint="Mean rating of the brand's reviews", unit="1 to 5"),
        Column("payment_speed_rating", "Payment", hint="Mean rating of payment speed", unit="1 to 5"),
        Column("communication_rating", "Communication", unit="1 to 5"),
        Column("professionalism_rating", "Professionalism", unit="1 to 5"),
        Column("total_deals", "Deals"),
        Column(
            "average_payment_time",
            "Pays after",
            hint="Mean time from submitted work to release",
            unit="days",
            down=False,
        ),
        Column("sponsor_id", "Sponsor id", "text", shown=False),
    )
    return Table.of(_in_order(content.brand_reputations), columns, "brand", "brands")


def _in_order(brands: pl.DataFrame) -> pl.DataFrame:
    return brands.sort("rank", "total_deals", "sponsor_id", descending=[False, True, False], nulls_last=True)


def funnels(content: DashboardContent, period: Period | None = None) -> Table:
    """Every funnel, whole and by breakdown, stage by stage; the page shows one of them at a time."""
    of = period or content
    frames = [of.conversion_funnels, *(of.funnels_by_breakdown[key] for key in sorted(of.funnels_by_breakdown))]
    names = dict(content.agent_leaderboard.select("agent_id", "agent_name").iter_rows())
    ordered = [_by_entrants(frame) for frame in frames]
    columns = (
        Column("breakdown_value", "Value", "name", down=False),
        Column("stage", "Stage", "stage", down=False),
        Column("reached", "Reached", bar=True),
        Column("dropped", "Lost", hint="Reached the stage before, and not this one"),
        Column("conversion_from_previous", "From previous", "ratio"),
        Column("conversion_from_start", "From start", "ratio"),
        Column("median_hours_from_start", "Median time", "hours", "From the first stage", down=False),
        Column("p90_hours_from_start", "90 % within", "hours", "From the first stage", down=False),
        Column("immature", "Too recent", hint="Entrants that have not had their full time yet"),
        Column("stage_number", "Stage number", shown=False),
        Column("funnel", "Funnel", "text", shown=False),
        Column("breakdown", "Breakdown", "text", shown=False),
        Column("called", "Called", "text", shown=False),
    )
    called = pl.col("breakdown_value").replace_strict(names, default=None, return_dtype=pl.String)
    rows = [
        frame.with_columns(pl.when(pl.col("breakdown") == "agent").then(called).alias("called")) for frame in ordered
    ]
    return Table.of(pl.concat(rows, how="diagonal_relaxed"), columns, "stage", "stages")


def _by_entrants(frame: pl.DataFrame) -> pl.DataFrame:
    """The values of a breakdown as the chart draws them: months in order, others by how many entered."""
    entered = pl.col("reached").filter(pl.col("stage_number") == 1).first().over("funnel", "breakdown_value")
    place = pl.when(pl.col("breakdown") == "month").then(0).otherwise(-entered)
    return frame.sort("funnel", place, "breakdown_value", "stage_number")


def growth(content: DashboardContent) -> Table | None:
    """Every month, the latest first; none where the export brought no months."""
    if content.marketplace_monthly is None:
        return None
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


def cohorts(content: DashboardContent) -> Table | None:
    """Every month's signups and each month since, the latest signups first; none where the export brought none."""
    if content.signup_cohorts is None:
        return None
    columns = (
        Column("cohort_month", "Signed up in", "month"),
        Column("months_since", "Months later", down=False),
        Column("cohort_size", "Signups", hint="Influencers and sponsors who signed up in the month"),
        Column("active", "With a deal", hint="Those of them with a new deal so many months later"),
        Column("retention", "Share", "ratio", bar=True),
    )
    ordered = content.signup_cohorts.sort("cohort_month", "months_since", descending=[True, False])
    return Table.of(ordered, columns, "row", "rows")


def times(content: DashboardContent) -> Table | None:
    """How long the last stage of each funnel took: the shares that are asked for; none where there are no times."""
    if not content.times_to_convert:
        return None
    columns = (
        Column("percentile", "Share of those timed", unit="%", down=False),
        Column("hours_from_start", "Got there within", "hours", "From the first stage", down=False),
        Column("stage", "Stage", "stage", down=False),
        Column("units", "Timed", hint="How many have a time of their own at the stage"),
        Column("funnel", "Funnel", "text", shown=False),
        Column("breakdown", "Breakdown", "text", shown=False),
        Column("breakdown_value", "Value", "text", shown=False),
    )
    whole = pl.concat(content.times_to_convert[name] for name in sorted(content.times_to_convert))
    chosen = whole.filter(pl.col("percentile").is_in(_SHARES_TOLD))
    return Table.of(chosen.sort("funnel", "breakdown_value", "percentile"), columns, "time", "times")


def checks(content: DashboardContent) -> Table:
    """Every check that ran; those that found something stand first."""
    columns = (
        Column("check", "Check", "stage", down=False),
        Column("severity", "Severity", "severity", down=False),
        Column("rows", "Rows found"),
        Column("summary", "What such a row is", "sentence", down=False),
    )
    ordered = content.warnings.with_columns((pl.col("rows") == 0).alias("clear")).sort("clear", "severity", "check")
    return Table.of(ordered, columns, "check", "checks")


def experiments(content: DashboardContent) -> Table | None:
    """Every variant of every experiment, those with most sent first; none where the export brought none."""
    if content.template_experiments is None:
        return None
    names = dict(content.agent_leaderboard.select("agent_id", "agent_name").iter_rows())
    columns = (
        Column("template_name", "Template", "name", down=False),
        Column("agent_name", "Agent", "person", down=False),
        Column("variant", "Variant", "tier", down=False),
        Column("sent", "Sent"),
        Column("accepted", "Accepted"),
        Column("acceptance", "Share", "ratio", "Share accepted of those sent"),
        Column("wilson_low", "At least", "ratio", "Lower end of the 95 % interval"),
        Column("wilson_high", "At most", "ratio", "Upper end of the 95 % interval"),
        Column("difference", "B over A", "points", "Share accepted of B minus that of A"),
        Column("p_value", "p", "chance", "How likely chance alone makes such a difference", down=False),
        Column("enough_data", "Enough sent", "stage", "30 or more of both variants"),
        Column("lift", "Lift", "ratio", shown=False),
        Column("agent_id", "Agent id", "text", shown=False),
    )
    frame = content.template_experiments.with_columns(
        pl.col("agent_id").replace_strict(names, default=None, return_dtype=pl.String).alias("agent_name"),
        pl.when(pl.col("enough_data")).then(pl.lit("yes")).otherwise(pl.lit("no")).alias("enough_data"),
        pl.col("sent").sum().over("agent_id", "template_name").alias("both"),
    ).sort(["both", "agent_id", "template_name", "variant"], descending=[True, False, False, False])
    return Table.of(frame, columns, "variant", "variants")


def left_out(content: DashboardContent) -> Table | None:
    """Money in other currencies, which no figure holds; none where the export did not say."""
    if content.left_out is None:
        return None
    columns = (
        Column("currency", "Currency", "name", down=False),
        Column("transactions", "Transactions left out"),
        Column("total_amount", "Amount", hint="In that currency"),
    )
    return Table.of(content.left_out.sort("currency", nulls_last=True), columns, "currency", "currencies")


def sources(content: DashboardContent) -> Table | None:
    """The operational tables the refresh read; none where the export did not say."""
    if content.sources is None:
        return None
    columns = (
        Column("table_name", "Table", "name", down=False),
        Column("rows", "Rows", bar=True),
        Column("inserted", "New"),
        Column("updated", "Changed"),
        Column("deleted", "Gone"),
        Column("mode", "Read", "stage", "In full, or what had changed", down=False),
    )
    return Table.of(content.sources.sort("table_name"), columns, "table", "tables")


def funnel_choices(content: DashboardContent) -> list[dict[str, Any]]:
    """The funnels to choose from, each with its breakdowns."""
    names = sorted(
        {*content.conversion_funnels["funnel"].to_list(), *(funnel for funnel, _ in content.funnels_by_breakdown)},
        key=_funnel_order,
    )
    return [
        {
            "name": name,
            "label": stage_label(name),
            "breakdowns": [WHOLE, *(by for funnel, by in content.sorted_breakdowns if funnel == name)],
        }
        for name in names
    ]


def _funnel_order(name: str) -> tuple[int, str]:
    """The funnels in the order of a deal's life; ones not known here come last."""
    known = ("invite", "gig", "application", "negotiation", "escrow")
    return (known.index(name) if name in known else len(known), name)
