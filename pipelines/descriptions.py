"""What Dagster shows of a SQL file before anything runs: key, description, code reference, labels.

Belongs here: turning what ``sql/`` declares into the arguments of assets and checks, and the settings
all steps share.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import dagster as dg

from si_analytics.definitions import Declaration, Dimension, Fact, Metric, project

OWNERS = ("team:growth",)
POOL = "warehouse"

# Tags runs that write to the warehouse, so that dagster.yaml can find and count them.
WRITER = {"writes": "warehouse"}

# Steps run one after another; of those ready, the highest priority goes first: the extraction before
# everything that reads it, publishing after everything that can still stop it, then reports on the published.
FIRST = {"dagster/priority": "10"}
LAST = {"dagster/priority": "-10"}
AFTER_ALL = {"dagster/priority": "-20"}

# A daily refresh that takes an hour is late after 27 hours and missing after 36; when clocks go back, 25 hours lie
# between two. A weekly report is late a day after its time.
FRESH_DAILY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=27))
FRESH_WEEKLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=9), warn_window=timedelta(days=8))

_ENTRY = re.compile(r"^(raw|dimensions|facts|metrics)\.(\w+)$")
_SHOWN = ("grain", "left", "money", "units", "severity", "remedy")


def key(group: str, name: str) -> dg.AssetKey:
    """The key of the asset `name` of `group`; a group is the folder of its keys."""
    return dg.AssetKey([group, name])


def inputs(tables: tuple[str, ...]) -> list[dg.AssetKey]:
    """The assets of these warehouse tables; leaves out tables without an asset."""
    found = [_ENTRY.match(table) for table in tables]
    return [key(match[1], match[2]) for match in found if match]


def description(one: Declaration) -> str:
    """A declaration as Markdown: what it is, how it is made, its rows and units."""
    return in_words(one, {name: getattr(one, name, None) for name in _SHOWN})


def of_fact(one: Fact | Dimension) -> str:
    """A fact or dimension as Markdown; of a fact also its measures: unit, what is worked out, meaning."""
    measures = one.measures if isinstance(one, Fact) else ()
    listed = "\n".join(f"- `{each.name}` ({each.unit}): {each.meaning}: `{each.formula.text}`" for each in measures)
    return "\n\n".join(part for part in (description(one), listed and f"Measures:\n\n{listed}") if part)


def in_words(one: Declaration, facts: Mapping[str, object]) -> str:
    """The opening of a declaration, and these facts; leaves out those that are None or empty."""
    told = [f"- **{name.capitalize()}**: {_told(fact)}" for name, fact in facts.items() if fact]
    parts = (one.summary[:1].upper() + one.summary[1:], one.description, "\n".join(told))
    return "\n\n".join(part for part in parts if part)


def _told(fact: object) -> str:
    return ", ".join(fact) if isinstance(fact, tuple) else str(fact)


def topic(one: Metric | Fact | Dimension) -> dict[str, str]:
    """The topic of a file, as the tag that filters assets; empty if it declares none."""
    return {"topic": one.topic} if one.topic else {}


def metadata(one: Declaration, table: str | None = None) -> dict[str, Any]:
    """The code reference to a SQL file and, if it makes a table, the table's name."""
    named = {"dagster/table_name": table} if table else {}
    return {**named, "dagster/code_references": code_reference(one.path)}


def code_reference(path: str) -> dg.CodeReferencesMetadataValue:
    """The reference to a file of the project; `path` is the one people use."""
    root = project().root.parent
    with warnings.catch_warnings():
        # Code references are marked beta; otherwise the log would hold the warning once per asset.
        warnings.simplefilter("ignore", dg.BetaWarning)
        reference = dg.LocalFileCodeReference(file_path=str(root / path), line_number=1, label=path)
        return dg.CodeReferencesMetadataValue(code_references=[reference])
