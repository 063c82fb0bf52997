"""What the files under ``sql/`` declare: read and checked, and run by nobody here."""

from si_analytics.definitions.loading import Project, lookup, project
from si_analytics.definitions.models import (
    Check,
    Column,
    Declaration,
    Explanation,
    Funnel,
    Metric,
    Parameter,
    Query,
    Script,
    Source,
    SourceColumn,
)

__all__ = [
    "Check",
    "Column",
    "Declaration",
    "Explanation",
    "Funnel",
    "Metric",
    "Parameter",
    "Project",
    "Query",
    "Script",
    "Source",
    "SourceColumn",
    "lookup",
    "project",
]
