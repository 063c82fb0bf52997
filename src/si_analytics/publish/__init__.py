"""Writes the rows that differ from the warehouse back to Postgres, in one transaction."""

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
