"""All that `sql/` declares, in lists."""

from __future__ import annotations

import dataclasses

from si_analytics.compute import checks
from si_analytics.definitions import Declaration, Dimension, Fact, Query, project


def queries() -> list[Query]:
    """Every query that a warehouse is asked."""
    ours = project()
    asked = [getattr(ours.queries, field.name) for field in dataclasses.fields(ours.queries)]
    return [*ours.computed.values(), *standing(), *checks.every(), *ours.explanations.values(), *asked]


def standing() -> list[Fact | Dimension]:
    """What metrics and measures stand on."""
    return [*project().facts.values(), *project().dimensions.values()]


def of_postgres() -> list[Query]:
    """Every query that Postgres is asked."""
    ours = project().postgres
    return [getattr(ours, field.name) for field in dataclasses.fields(ours)]


def declarations() -> list[Declaration]:
    """Every file."""
    ours = project()
    scripts = [*ours.schema.values(), *ours.views.values(), *ours.warehouse.values()]
    return [*queries(), *of_postgres(), *scripts, *ours.sources.values(), *ours.ratios.values()]
