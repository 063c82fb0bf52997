"""What the files under ``sql/`` declare: read and checked, and run by nobody here."""

from si_analytics.definitions.fact_models import Dimension, Fact, Measure
from si_analytics.definitions.loading import Project, lookup, project
from si_analytics.definitions.models import (
    Check,
    Declaration,
    Explanation,
    Metric,
    MetricColumn,
    Parameter,
    Query,
    Script,
    Source,
)

__all__ = [
    "Check",
    "Declaration",
    "Dimension",
    "Explanation",
    "Fact",
    "Measure",
    "Metric",
    "MetricColumn",
    "Parameter",
    "Project",
    "Query",
    "Script",
    "Source",
    "lookup",
    "project",
]
