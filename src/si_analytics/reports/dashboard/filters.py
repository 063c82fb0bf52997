"""What readers can choose: the filters that the dashboard's panels declare.

Belongs here: kinds of filter, and each in the form the page's template and script read. A kind decides which rows
stay; the declaration decides which column it looks at and what can be chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from si_analytics.reports.dashboard.content import DashboardContent

Option = tuple[str, str]
"""A value, and its label."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Any filter: ``name`` is its key in the address, ``element`` its id in the page.

    ``printed`` is its text on paper, ``filed`` its text in a file's name, with ``{}`` for the choice; a ``printed``
    that opens with a space continues the text of the filter before it.
    """

    kind: ClassVar[str]
    name: str
    label: str
    element: str
    printed: str
    filed: str = "{}"

    def to_json(self, content: DashboardContent) -> dict[str, Any]:
        """The filter in the form template and script read."""
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
    """Keeps the rows whose ``column`` holds the chosen value, one of those that ``offers`` gives.

    ``anything`` is the label for choosing none; if it is empty, one must be chosen, at first the first. Choosing
    none keeps every row, or those that hold ``whole``. With ``of``, the options depend on that other choice:
    ``offers`` gives them by its value, and each is offered if there is a chart for both. A new choice resets
    the filters that ``clears`` names; the column ``splits`` is shown only while something is chosen.
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
        """The filter in the form template and script read, with what this content lets readers choose."""
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
    """Keeps the rows that hold every typed word in any of ``columns``, ignoring accents and case."""

    kind: ClassVar[str] = "search"
    columns: tuple[str, ...]
    placeholder: str
    label: str = "Search"

    def to_json(self, content: DashboardContent) -> dict[str, Any]:
        """The filter in the form template and script read."""
        return {**super().to_json(content), "columns": self.columns, "placeholder": self.placeholder}


@dataclass(frozen=True, kw_only=True)
class Latest(Filter):
    """Keeps that many rows from the top of a table sorted latest first, and the same last ones of the chart."""

    kind: ClassVar[str] = "latest"
    counts: tuple[int, ...]
    things: str

    def to_json(self, content: DashboardContent) -> dict[str, Any]:
        """The filter in the form template and script read."""
        offers = [(str(count), f"Last {count} {self.things}") for count in self.counts]
        return {**super().to_json(content), "offers": offers, "anything": f"All {self.things}"}
