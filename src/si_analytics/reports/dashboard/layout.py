"""Lays out the page: its sections with filters and panels in the template's form, and the data of its script.

Belongs here: which sections and panels are shown for a content, and what of it goes into the file. Knows no panel by
name.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from si_analytics.errors import UsageError
from si_analytics.reports.dashboard import plots
from si_analytics.reports.dashboard.content import DashboardContent, Period
from si_analytics.reports.dashboard.filters import Filter, Search
from si_analytics.reports.dashboard.kpis import TILES, Headline, Tile, headlines
from si_analytics.reports.dashboard.panel import Detail, Drawing, PageSection, Panel
from si_analytics.reports.dashboard.panels import PANELS, SECTIONS
from si_analytics.reports.dashboard.plots import Figure


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """A content and its declarations: the panels that have data, and the sections that hold any."""

    content: DashboardContent
    panels: tuple[Panel, ...]
    tiles: Sequence[Tile]
    sections: tuple[PageSection, ...] = field(default=())

    def panels_of(self, section: PageSection) -> tuple[Panel, ...]:
        """The panels of one section, from top to bottom."""
        return tuple(panel for panel in self.panels if panel.section == section.name)

    def filters_of(self, panels: Iterable[Panel]) -> tuple[Filter, ...]:
        """Their filters, each once."""
        return tuple(dict.fromkeys(each for panel in panels for each in panel.filters))

    def headlines(self, period: Period | None = None) -> tuple[Headline, ...]:
        """The tiles' figures, for all time or for a period."""
        return headlines(self.content, period, self.tiles)


def lay_out(content: DashboardContent, panels: Sequence[Panel] = PANELS, tiles: Sequence[Tile] = TILES) -> Layout:
    """What is shown of a content."""
    for panel in panels:
        if panel.section not in {section.name for section in SECTIONS}:
            raise UsageError(
                f"the panel {panel.name}",
                f"the dashboard has no section {panel.section}",
                f"Put it into one of: {', '.join(section.name for section in SECTIONS)}",
            )
    shown = tuple(panel for panel in panels if panel.is_shown(content))
    held = {panel.section for panel in shown}
    return Layout(
        content=content,
        panels=shown,
        tiles=tiles,
        sections=tuple(section for section in SECTIONS if section.name in held),
    )


def sections(layout: Layout) -> list[dict[str, Any]]:
    """The sections in the form the template writes."""
    return [_section(layout, section) for section in layout.sections]


def _section(layout: Layout, section: PageSection) -> dict[str, Any]:
    content, panels = layout.content, layout.panels_of(section)
    filters = layout.filters_of(panels)
    return {
        "name": section.name,
        "title": section.title,
        "leads": section.leads(content),
        "notice": section.notice(content),
        "badge": section.badge(content),
        "tiles": layout.headlines() if section.tiles else (),
        "has_tiles": section.tiles,
        "searched": any(isinstance(each, Search) for each in filters),
        "filters": [each.to_json(content) for each in filters],
        "follows_period": bool(content.periods) and (section.tiles or any(panel.follows_period for panel in panels)),
        "groups": [
            (paired, [_panel(content, panel) for panel in group])
            for paired, group in itertools.groupby(panels, key=lambda panel: panel.paired)
        ],
    }


def _panel(content: DashboardContent, panel: Panel) -> dict[str, Any]:
    """A panel in the form the template writes."""

    def said(words: str) -> str:
        return words.replace("{currency}", content.currency.upper())

    note = panel.chart.note if panel.chart else ""
    return {
        "name": panel.name,
        "heading": said(panel.heading),
        "title": said(panel.title),
        "sentence": said(panel.sentence),
        "note": note if isinstance(note, str) else note(content),
        "place": panel.place,
        "chart": panel.chart,
        "caption": said(panel.table.caption or panel.title) if panel.table else "",
        "table": panel.table,
        "ranked": panel.chart is not None and panel.chart.ranked,
    }


def details(layout: Layout) -> list[Detail]:
    """The windows that rows open, in the form the template writes."""
    return [panel.detail for panel in layout.panels if panel.detail]


def data(layout: Layout) -> dict[str, Any]:
    """Everything that the page's script reads, except where it comes from."""
    content = layout.content
    return {
        "panels": [panel.to_json() for panel in layout.panels],
        "filters": [each.to_json(content) for each in layout.filters_of(layout.panels)],
        "tables": dict(_tables(layout)),
        "headlines": {
            period.key: [asdict(headline) for headline in layout.headlines(period)] for period in content.periods
        },
        "charts": dict(_charts(layout)),
        "templates": plots.templates(),
    }


def _tables(layout: Layout) -> Iterator[tuple[str, dict[str, Any]]]:
    for panel in layout.panels:
        for period in _spans(layout.content, panel.follows_period):
            if panel.table:
                yield _named(panel.name, "", period), panel.table.rows(layout.content, period).to_json()


def _charts(layout: Layout) -> Iterator[tuple[str, Figure]]:
    for drawing, follows in _drawings(layout.panels).items():
        for period in _spans(layout.content, follows):
            for choice, figure in drawing.draw(layout.content, period).items():
                yield _named(drawing.name, choice, period), figure


def _drawings(panels: Iterable[Panel]) -> dict[Drawing, bool]:
    """Each drawing once, and whether any panel shows it for a period."""
    found: dict[Drawing, bool] = {}
    for panel in panels:
        for drawing in panel.drawings:
            of_period = panel.follows_period and panel.chart is not None and panel.chart.drawing == drawing
            found[drawing] = found.get(drawing, False) or of_period
    return found


def _spans(content: DashboardContent, follows_period: bool) -> tuple[Period | None, ...]:
    return (None, *(content.periods if follows_period else ()))


def _named(name: str, choice: str, period: Period | None) -> str:
    """A table or figure in the page's data: ``funnel:invite:all:last-30-days``."""
    return ":".join(filter(None, (name, choice, period.key if period else "")))
