"""From the warehouse back to Postgres: the rows that differ, in one transaction."""

from si_analytics.publish.publication import (
    CHANNEL,
    Preview,
    Provenance,
    TargetChange,
    order,
    preview,
    publish,
    targets,
    views,
)

__all__ = ["CHANNEL", "Preview", "Provenance", "TargetChange", "order", "preview", "publish", "targets", "views"]
