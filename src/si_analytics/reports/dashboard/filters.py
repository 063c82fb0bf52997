"""What readers may choose: the filters of the dashboard's panels, as they are declared.

Belongs here: kinds of filter, and each as the page's template and script read it. A kind says how rows are kept; which
column it looks at, and what may be chosen, is declared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from si_analytics.reports.dashboard.content import DashboardContent

Option = tuple[str, str]
"""A value, and what it is called."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Any filter: ``name`` is its key in the address, ``element`` its id in the page.

    ``printed`` tells it on paper, ``filed`` in a file's name, ``{}`` being what was chosen; a ``printed`` that opens
    with a space goes on where the filter before it ended.
    """

    kind: ClassVar[str]
    name: str
    label: str
    element: str
    printed: str
    filed: str = "{}"

    def to_json(self, content: DashboardContent) -> dict[str, Any]:
        """The filter as template and script read it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "label": self.label,
            "element": self.element,
            "printed": self.printed,
            "filed": self.filed,
            **{"offers": (), "anything": "", "of": "", "clears": (), "splits": ""},
        }


@dataclass(frozen=True, kw_only=True)
class Choice(Filter):
    """The rows whose ``column`` holds the value chosen, of those that ``offers`` gives.

    ``anything`` is what choosing none is called; where it is empty one has to be chosen, at first the first. Choosing
    none leaves every row, or those that hold ``whole``. With ``of``, what may be chosen hangs on that other choice:
    ``offers`` gives options by its value, and each is offered where a chart is there for both. A new choice takes back
    those that ``clears`` names; the column ``splits`` is shown only while something is chosen.
    """

    kind: ClassVar[str] = "choice"
    column: str
    offers: Callable[[DashboardContent], Sequence[Option] | Mapping[str, Sequence[Option]]]
    anything: str = ""
    whole: str = ""
    of: Choice | None = None
    clears: tuple[str, ...] = ()
    splits: str = ""

    def to_json(self, content: DashboardContent) -> dict[str, Any]:
        """The filter as template and script read it, with what may be chosen from this content."""
        return {
            **super().to_json(content),
            "column": self.column,
            "offers": self.offers(content),
            "anything": self.anything,
            "whole": self.whole,
            "of": self.of.name if self.of else "",
            "clears": self.clears,
            "splits": self.splits,
        }


@dataclass(frozen=True, kw_only=True)
class Search(Filter):
    """The rows that hold every word typed in any of ``columns``, accents and case aside."""

    kind: ClassVar[str] = "search"
    columns: tuple[str, ...]
    placeholder: str
    label: str = "Search"

    def to_json(self, content: DashboardContent) -> dict[str, Any]:
        """The filter as template and script read it."""
        return {**super().to_json(content), "columns": self.columns, "placeholder": self.placeholder}


@dataclass(frozen=True, kw_only=True)
class Latest(Filter):
    """So many rows from the top of the table, which stands with the latest first; the chart's last ones with them."""

    kind: ClassVar[str] = "latest"
    counts: tuple[int, ...]
    things: str

    def to_json(self, content: DashboardContent) -> dict[str, Any]:
        """The filter as template and script read it."""
        offers = [(str(count), f"Last {count} {self.things}") for count in self.counts]
        return {**super().to_json(content), "offers": offers, "anything": f"All {self.things}"}
