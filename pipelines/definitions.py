"""Everything Dagster loads: `dagster dev` finds `defs` here.

Belongs here: putting the parts together. Importing this module reads nothing; loading it reads the SQL
files' headers and the settings (for the reporting time zone of the schedules), and no database.
"""

from __future__ import annotations

import functools

import dagster as dg

from pipelines import anomaly_checks, checks, jobs, schedules, sensors
from pipelines.assets import facts, history, metrics, operational, published, raw, reports
from pipelines.resources import REFRESH, RefreshResource
from si_analytics import settings
from si_analytics.definitions import loading


@dg.definitions
def defs() -> dg.Definitions:
    """The code location. A refresh is one unit, so the steps of a run share one process."""
    return _defs(settings.load().timezone, _files())


@functools.lru_cache(maxsize=4)
def _defs(timezone: str, files: tuple[tuple[str, int, int], ...]) -> dg.Definitions:
    """The code location for this state of the files. Cached, because Dagster loads it five times for a single run."""
    groups = (operational, raw, facts, metrics, published, reports)
    return dg.Definitions(
        assets=[*(asset for group in groups for asset in group.assets()), *history.assets(timezone)],
        asset_checks=[*checks.asset_checks(), *anomaly_checks.asset_checks()],
        jobs=jobs.JOBS,
        schedules=schedules.schedules(timezone),
        sensors=sensors.sensors(),
        resources={REFRESH: RefreshResource()},
        executor=dg.in_process_executor,
    )


def _files() -> tuple[tuple[str, int, int], ...]:
    """The files under ``sql/``, each with its modification time and its length."""
    return loading.state(loading.root())
