"""The operational schema: building it, comparing a database with it, and its roles and views."""

from si_analytics.schema.operations import (
    ApplyReport,
    Section,
    apply,
    apply_on,
    comparable,
    diff,
    diff_on,
    elsewhere,
    require,
    require_on,
    sections,
    tables,
)

__all__ = [
    "ApplyReport",
    "Section",
    "apply",
    "apply_on",
    "comparable",
    "diff",
    "diff_on",
    "elsewhere",
    "require",
    "require_on",
    "sections",
    "tables",
]
