"""The vocabulary for declaring a panel of the dashboard.

Belongs here: the words of a declaration, and a panel in the form the page's script reads. The panels themselves, in
`panels`, say what is drawn and listed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from si_analytics.reports.dashboard.cells import PanelTable
from si_analytics.reports.dashboard.content import DashboardContent, Period
from si_analytics.reports.dashboard.filters import Choice, Filter
from si_analytics.reports.dashboard.plots import Figure
from si_analytics.reports.dashboard.sources import PanelData


@dataclass(frozen=True)
class Drawing:
    """Figures by name: one under the empty name, or one for each choice (``invite:method``).

    ``draw`` is called for all time, and for each period if a panel that shows it follows the period. Panels that
    share a drawing share its figures: the file holds them once.
    """

    name: str
    draw: Callable[[DashboardContent, Period | None], Mapping[str, Figure]]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The chart of a panel.

    ``pick`` chooses among the drawing's figures, by filters and fixed names. A ``ranked`` chart has a bar per row of
    the table, and shows the first of those that match. ``note`` stands below the title; without one, or if the chart is
    ``subtitled``, the figure's own subtitle does, followed by ``ending``. If no row matches (or there is no figure) the
    chart says ``nobody``; if some match but have nothing to draw it says ``nothing``, in a period
    ``nothing_in_period``. ``entitled`` replaces the title with the words of the filters, or ``untitled`` if nothing
    can be chosen; ``sentence_of`` is the panel's sentence with ``{}`` for the first choice.
    """

    drawing: Drawing
    pick: tuple[Choice | str, ...] = ()
    ranked: bool = False
    note: str | Callable[[DashboardContent], str] = ""
    subtitled: bool = False
    ending: str = ""
    nobody: str = ""
    nothing: str = ""
    nothing_in_period: str = ""
    entitled: bool = False
    untitled: str = ""
    sentence_of: str = ""


@dataclass(frozen=True, kw_only=True)
class Count:
    """How to count the listed rows, unless as `7 of 120 agents`: without the total, and followed by ``ending``.

    While the column ``values`` is shown, its values are counted beside the rows.
    """

    one: str
    many: str
    values: str = ""
    ending: str = ""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The table of a panel: ``rows`` gives it for all time or a period.

    ``caption`` names it if the panel's title belongs to its chart. ``sort`` is the order it comes in, by column;
    ``heading`` the column that heads a row, if that is no name or month; ``total`` a column whose sum is shown, with
    its label.
    """

    rows: Callable[[DashboardContent, Period | None], PanelTable]
    caption: str = ""
    sort: str = ""
    heading: str = ""
    total: tuple[str, str] | None = None
    count: Count | None = None


@dataclass(frozen=True, kw_only=True)
class RowPart:
    """A figure of one row in words: ``{column}`` stands for its cell; if a cell is missing, a dash replaces the whole.

    ``one`` is used if the first column is 1; if the column ``unless_zero`` is 0, a dash is.
    """

    words: str
    one: str = ""
    unless_zero: str = ""


@dataclass(frozen=True, kw_only=True)
class Detail:
    """A row opened from the table, by its ``column``: a window with one chart of it, for all time.

    ``name`` is its key in the address, ``key`` the column that identifies rows, ``element`` the start of its ids.
    ``line`` stands below the heading, without the parts that are missing; ``score`` is a column, ``score_unit`` stands
    beside it. The first trace of the drawing gets the lengths of the row, ``parts`` are written beside its bars.
    """

    name: str
    element: str
    column: str
    key: str
    line: tuple[str, ...]
    score: str
    score_unit: str
    note: str
    sentence: str
    drawing: Drawing
    parts: tuple[RowPart, ...]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel: what it shows, of which data, how, where, and what readers can choose.

    The page shows it if its first source brought anything. ``{currency}`` in a text is the reporting currency.
    ``sentence`` says what it shows to those who cannot see it; ``heading`` stands above a panel that opens a subject of
    its own. Neighbours that are ``paired`` stand side by side. A panel that ``follows_period`` changes with it.
    """

    name: str
    section: str
    title: str
    sentence: str
    sources: tuple[PanelData, ...]
    table: Listing | None = None
    chart: Chart | None = None
    filters: tuple[Filter, ...] = ()
    follows_period: bool = False
    heading: str = ""
    paired: bool = False
    detail: Detail | None = None

    @property
    def place(self) -> str:
        """The id of its chart."""
        return f"{self.name}-chart" if self.table or not self.paired else self.name

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        """Every drawing it shows."""
        return tuple(each.drawing for each in (self.chart, self.detail) if each is not None)

    def is_shown(self, content: DashboardContent) -> bool:
        """Whether it has its data."""
        brought = content.frame(self.sources[0].name)
        return brought is not None and not (isinstance(brought, Mapping) and not brought)

    def to_json(self) -> dict[str, Any]:
        """The panel in the form the page's script reads."""
        return {
            "name": self.name,
            "follows_period": self.follows_period,
            "filters": [each.name for each in self.filters],
            "table": self._listed(),
            "chart": self._drawn(),
            "detail": self._opened(),
        }

    def _listed(self) -> dict[str, Any] | None:
        if self.table is None:
            return None
        kept = ("sort", "heading", "total")
        count = asdict(self.table.count) if self.table.count else None
        return {**{name: getattr(self.table, name) for name in kept}, "count": count}

    def _drawn(self) -> dict[str, Any] | None:
        if self.chart is None:
            return None
        kept = ("ranked", "subtitled", "ending", "nobody", "nothing", "nothing_in_period", "entitled", "untitled")
        pick = [{"fixed": one} if isinstance(one, str) else {"chosen": one.name} for one in self.chart.pick]
        return {
            **{name: getattr(self.chart, name) for name in (*kept, "sentence_of")},
            "place": self.place,
            "drawing": self.chart.drawing.name,
            "pick": pick,
            "follows_period": self.follows_period,
        }

    def _opened(self) -> dict[str, Any] | None:
        if self.detail is None:
            return None
        kept = ("name", "element", "column", "key", "line", "score")
        return {
            **{name: getattr(self.detail, name) for name in kept},
            "drawing": self.detail.drawing.name,
            "parts": [asdict(part) for part in self.detail.parts],
        }


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A sentence that warns, and where to read on."""

    words: str
    section: str
    link: str


@dataclass(frozen=True, kw_only=True)
class PageSection:
    """One part of the page: its panels are those that name it; it is left out if none is shown.

    ``leads`` gives sentences below its heading, each with its id or none; ``notice`` a warning above all; ``badge`` a
    number for the navigation and what it counts. One section holds the ``tiles``.
    """

    name: str
    title: str
    leads: Callable[[DashboardContent], tuple[tuple[str, str], ...]] = lambda _: ()
    notice: Callable[[DashboardContent], Notice | None] = lambda _: None
    badge: Callable[[DashboardContent], tuple[int, str] | None] = lambda _: None
    tiles: bool = False
