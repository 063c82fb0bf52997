"""A whole refresh, the record it leaves, and how to tell when the next one is due."""

from si_analytics.refresh.steps import WAITING, Refresh, StepListener, preview, run

__all__ = ["WAITING", "Refresh", "StepListener", "preview", "run"]
