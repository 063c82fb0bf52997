"""From the warehouse back to Postgres: the rows that differ, in one transaction."""

from si_analytics.publish.publication import (
    CHANNEL,
    VIEWS,
    Preview,
    Provenance,
    TargetChange,
    order,
    preview,
    publish,
    targets,
)

__all__ = ["CHANNEL", "VIEWS", "Preview", "Provenance", "TargetChange", "order", "preview", "publish", "targets"]
