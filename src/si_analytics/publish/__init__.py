"""Writes the rows that differ from the warehouse back to Postgres, in one transaction."""

from si_analytics.publish.baseline import EVERY_ROW
from si_analytics.publish.candidates import EACH_TIME
from si_analytics.publish.publication import Preview, order, preview, publish, targets, views
from si_analytics.publish.record import CHANNEL, Provenance, TargetChange, kept

__all__ = [
    "CHANNEL",
    "EACH_TIME",
    "EVERY_ROW",
    "Preview",
    "Provenance",
    "TargetChange",
    "kept",
    "order",
    "preview",
    "publish",
    "targets",
    "views",
]
