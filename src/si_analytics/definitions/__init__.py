"""What the files under ``sql/`` declare: read and checked, and run by nobody here."""

from si_analytics.definitions.loading import Project, lookup, project
from si_analytics.definitions.models import (
    Check,
    Column,
    Declaration,
    Dimension,
    Explanation,
    Funnel,
    Metric,
    Parameter,
    Query,
    Script,
    Source,
)

__all__ = [
    "Check",
    "Column",
    "Declaration",
    "Dimension",
    "Explanation",
    "Funnel",
    "Metric",
    "Parameter",
    "Project",
    "Query",
    "Script",
    "Source",
    "lookup",
    "project",
]
