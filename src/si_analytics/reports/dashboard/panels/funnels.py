"""The funnels: who gets how far, how long the last stage takes, and which invite template wins more.

Belongs here: the declarations of these panels, with their tables and charts.
"""

from __future__ import annotations

import polars as pl

from si_analytics import charts
from si_analytics.charts.funnels import WHOLE, stage_label
from si_analytics.reports.dashboard import plots, sources
from si_analytics.reports.dashboard.cells import PanelTable, TableColumn
from si_analytics.reports.dashboard.content import DashboardContent, Period
from si_analytics.reports.dashboard.filters import Choice, Option
from si_analytics.reports.dashboard.panel import Chart, Count, Drawing, Listing, Panel
from si_analytics.reports.dashboard.plots import Figure

_SHARES_TOLD = (10, 25, 50, 75, 90, 95, 100)


def funnels(content: DashboardContent, period: Period | None) -> PanelTable:
    """Every funnel, whole and by breakdown, stage by stage; the page shows one at a time."""
    of = period or content
    frames = [of.conversion_funnels, *(of.funnels_by_breakdown[key] for key in sorted(of.funnels_by_breakdown))]
    names = dict(content.agent_leaderboard.select("agent_id", "agent_name").iter_rows())
    ordered = [_by_entrants(frame) for frame in frames]
    columns = (
        TableColumn("breakdown_value", "Value", "name", down=False, called="called"),
        TableColumn("stage", "Stage", "stage", down=False),
        TableColumn("reached", "Reached", bar=True),
        TableColumn("dropped", "Lost", hint="Reached the stage before, and not this one"),
        TableColumn("conversion_from_previous", "From previous", "ratio"),
        TableColumn("conversion_from_start", "From start", "ratio"),
        TableColumn("median_hours_from_start", "Median time", "hours", "From the first stage", down=False),
        TableColumn("p90_hours_from_start", "90 % within", "hours", "From the first stage", down=False),
        TableColumn("immature", "Too recent", hint="Entrants that have not had their full time yet"),
        TableColumn("stage_number", "Stage number", shown=False),
        TableColumn("funnel", "Funnel", "text", shown=False),
        TableColumn("breakdown", "Breakdown", "text", shown=False),
        TableColumn("called", "Called", "text", shown=False),
    )
    called = pl.col("breakdown_value").replace_strict(names, default=None, return_dtype=pl.String)
    rows = [
        frame.with_columns(pl.when(pl.col("breakdown") == "agent").then(called).alias("called")) for frame in ordered
    ]
    return PanelTable.of(pl.concat(rows, how="diagonal_relaxed"), columns, "stage", "stages")


def _by_entrants(frame: pl.DataFrame) -> pl.DataFrame:
    """The values of a breakdown in the chart's order: months by date, others by how many entered."""
    entered = pl.col("reached").filter(pl.col("stage_number") == 1).first().over("funnel", "breakdown_value")
    place = pl.when(pl.col("breakdown") == "month").then(0).otherwise(-entered)
    return frame.sort("funnel", place, "breakdown_value", "stage_number")


def times(content: DashboardContent, _: Period | None) -> PanelTable:
    """How long the last stage of each funnel took, at the percentiles readers ask for."""
    columns = (
        TableColumn("percentile", "Share of those timed", unit="%", down=False),
        TableColumn("hours_from_start", "Got there within", "hours", "From the first stage", down=False),
        TableColumn("stage", "Stage", "stage", down=False),
        TableColumn("units", "Timed", hint="How many have a time of their own at the stage"),
        TableColumn("funnel", "Funnel", "text", shown=False),
        TableColumn("breakdown", "Breakdown", "text", shown=False),
        TableColumn("breakdown_value", "Value", "text", shown=False),
    )
    whole = pl.concat(content.times_to_convert[name] for name in sorted(content.times_to_convert))
    chosen = whole.filter(pl.col("percentile").is_in(_SHARES_TOLD))
    return PanelTable.of(chosen.sort("funnel", "breakdown_value", "percentile"), columns, "time", "times")


def experiments(content: DashboardContent, _: Period | None) -> PanelTable:
    """Every variant of every experiment, those with most sent first."""
    assert content.template_experiments is not None
    names = dict(content.agent_leaderboard.select("agent_id", "agent_name").iter_rows())
    columns = (
        TableColumn("template_name", "Template", "name", down=False),
        TableColumn("agent_name", "Agent", "person", down=False),
        TableColumn("variant", "Variant", "tier", down=False),
        TableColumn("sent", "Sent"),
        TableColumn("accepted", "Accepted"),
        TableColumn("acceptance", "Share", "ratio", "Share accepted of those sent"),
        TableColumn("wilson_low", "At least", "ratio", "Lower end of the 95 % interval"),
        TableColumn("wilson_high", "At most", "ratio", "Upper end of the 95 % interval"),
        TableColumn("difference", "B over A", "points", "Share accepted of B minus that of A"),
        TableColumn("p_value", "p", "chance", "How likely chance alone makes such a difference", down=False),
        TableColumn("enough_data", "Enough sent", "stage", "30 or more of both variants"),
        TableColumn("lift", "Lift", "ratio", shown=False),
        TableColumn("agent_id", "Agent id", "text", shown=False),
    )
    frame = content.template_experiments.with_columns(
        pl.col("agent_id").replace_strict(names, default=None, return_dtype=pl.String).alias("agent_name"),
        pl.when(pl.col("enough_data")).then(pl.lit("yes")).otherwise(pl.lit("no")).alias("enough_data"),
        pl.col("sent").sum().over("agent_id", "template_name").alias("both"),
    ).sort(["both", "agent_id", "template_name", "variant"], descending=[True, False, False, False])
    return PanelTable.of(frame, columns, "variant", "variants")


def _names(content: DashboardContent) -> dict[str, str]:
    return dict(content.agent_leaderboard.select("agent_id", "agent_name").iter_rows())


def _funnels_drawn(content: DashboardContent, period: Period | None) -> dict[str, Figure]:
    of, names = period or content, _names(content)
    whole = {
        f"{name}:{WHOLE}": plots.plain(charts.funnel(of.conversion_funnels, name))
        for name in sorted(set(of.conversion_funnels["funnel"].to_list()))
    }
    split = {
        f"{name}:{by}": plots.plain(
            charts.funnel_by(of.funnels_by_breakdown[name, by], names=names if by == "agent" else None)
        )
        for name, by in sorted(of.funnels_by_breakdown)
    }
    return {**whole, **split}


def _times_drawn(content: DashboardContent, _: Period | None) -> dict[str, Figure]:
    return {name: plots.plain(charts.time_to_convert(frame)) for name, frame in content.times_to_convert.items()}


def _experiments_drawn(content: DashboardContent, _: Period | None) -> dict[str, Figure]:
    assert content.template_experiments is not None
    return {"": plots.plain(charts.experiments(content.template_experiments, names=_names(content)))}


def _funnel_names(content: DashboardContent) -> list[str]:
    return sorted(
        {*content.conversion_funnels["funnel"].to_list(), *(funnel for funnel, _ in content.funnels_by_breakdown)},
        key=_funnel_order,
    )


def _funnels_offered(content: DashboardContent) -> list[Option]:
    return [(name, stage_label(name)) for name in _funnel_names(content)]


def _splits_offered(content: DashboardContent) -> dict[str, list[Option]]:
    return {
        name: [(by, stage_label(by)) for funnel, by in content.sorted_breakdowns if funnel == name]
        for name in _funnel_names(content)
    }


def _funnel_order(name: str) -> tuple[int, str]:
    """Sorts funnels in the order of a deal's life; unknown ones last."""
    known = ("invite", "gig", "application", "negotiation", "escrow")
    return (known.index(name) if name in known else len(known), name)


_FUNNEL = Choice(
    name="funnels.name",
    element="funnel-name",
    label="Funnel",
    column="funnel",
    offers=_funnels_offered,
    printed="{} funnel",
    clears=("funnels.by",),
)
_SPLIT = Choice(
    name="funnels.by",
    element="funnel-by",
    label="Split by",
    column="breakdown",
    offers=_splits_offered,
    of=_FUNNEL,
    anything="Not split",
    whole=WHOLE,
    printed=" by {}",
    splits="breakdown_value",
)
DRAWN = Drawing("funnel", _funnels_drawn)
"""Every funnel, whole and split; the overview shows one of them."""

PANELS = (
    Panel(
        name="funnels",
        section="funnels",
        title="Funnel",
        sentence="Chart of the funnel chosen; the table below holds the same figures",
        sources=(sources.CONVERSION_FUNNELS, sources.FUNNELS_SPLIT, sources.AGENT_LEADERBOARD),
        follows_period=True,
        filters=(_FUNNEL, _SPLIT),
        chart=Chart(
            drawing=DRAWN,
            pick=(_FUNNEL, _SPLIT),
            subtitled=True,
            entitled=True,
            untitled="No funnel",
            nobody="Nothing has entered this funnel yet.",
        ),
        table=Listing(
            rows=funnels,
            caption="The funnel chosen, stage by stage",
            heading="stage",
            count=Count(one="stage", many="stages", values="breakdown_value"),
        ),
    ),
    Panel(
        name="times",
        section="funnels",
        title="Time to the last stage",
        sentence="Curve of the share that got to the last stage of the funnel chosen within each time; the table below"
        " holds some of it",
        sources=(sources.TIMES_TO_CONVERT,),
        filters=(_FUNNEL,),
        chart=Chart(
            drawing=Drawing("times", _times_drawn),
            pick=(_FUNNEL,),
            subtitled=True,
            ending=", all time",
            nobody="Nobody got there yet.",
            sentence_of="Curve of the share that got to the last stage of the {} funnel within each time; the table"
            " below holds some of it",
        ),
        table=Listing(
            rows=times,
            caption="Times to the last stage of the funnel chosen",
            heading="percentile",
            count=Count(one="share of those timed", many="shares of those timed", ending=", all time"),
        ),
    ),
    Panel(
        name="experiments",
        section="funnels",
        heading="Template experiments",
        title="Share of invites accepted, B against A",
        sentence="Chart of the shares that accepted variants A and B of invite templates, with 95 % intervals; the"
        " table below holds the same figures",
        sources=(sources.TEMPLATE_EXPERIMENTS, sources.AGENT_LEADERBOARD),
        chart=Chart(drawing=Drawing("experiments", _experiments_drawn), subtitled=True),
        table=Listing(rows=experiments, caption="Template experiments by variant", heading="template_name"),
    ),
)
