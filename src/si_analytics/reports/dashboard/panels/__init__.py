"""Every panel of the dashboard, section by section: to add a panel, add its declaration and nothing else.

Belongs here: the sections in their order, and the panels of each from its module.
"""

from __future__ import annotations

import polars as pl

from si_analytics import formatting
from si_analytics.reports.dashboard.content import DashboardContent
from si_analytics.reports.dashboard.panel import Notice, PageSection, Panel
from si_analytics.reports.dashboard.panels import agents, brands, funnels, growth, overview, quality

PANELS: tuple[Panel, ...] = (
    *overview.PANELS,
    *agents.PANELS,
    *brands.PANELS,
    *funnels.PANELS,
    *growth.PANELS,
    *quality.PANELS,
)
"""All panels; each section shows its panels in this order."""


def _found(content: DashboardContent) -> int:
    return content.warnings.filter(pl.col("rows") > 0).height


def _notice(content: DashboardContent) -> Notice | None:
    if not (found := _found(content)):
        return None
    words = f"{found} of {content.warnings.height} checks found something."
    return Notice(words=words, section="quality", link="See data quality")


def _badge(content: DashboardContent) -> tuple[int, str] | None:
    return (found, "checks found something") if (found := _found(content)) else None


def _all_time(_: DashboardContent) -> tuple[tuple[str, str], ...]:
    return (("", "Of all time: a brand's reputation is made of all its reviews."),)


def _judged(content: DashboardContent) -> tuple[tuple[str, str], ...]:
    checked, found = content.warnings.height, _found(content)
    if not checked:
        words = "No check was handed to this report."
    elif found:
        words = f"{found} of {checked} checks found rows. The figures stand; this is what to know when reading them."
    else:
        words = f"All {checked} checks ran and found nothing."
    return (("", words), ("freshness", f"The figures are as of {formatting.moment(content.as_of)}."))


SECTIONS: tuple[PageSection, ...] = (
    PageSection(name="overview", title="Overview", tiles=True, notice=_notice),
    PageSection(name="agents", title="Agents"),
    PageSection(name="brands", title="Brands", leads=_all_time),
    PageSection(name="funnels", title="Funnels"),
    PageSection(name="growth", title="Growth"),
    PageSection(name="quality", title="Data quality", leads=_judged, badge=_badge),
)
"""The sections in the order of the page; the meaning of the figures follows them."""

__all__ = ["PANELS", "SECTIONS"]
