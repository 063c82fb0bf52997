"""Everything Dagster loads: `dagster dev` finds `defs` here.

Belongs here: putting the parts together. Importing this module reads nothing; loading it reads the SQL
files' headers and the settings (for the reporting time zone of the schedules), and no database.
"""

from __future__ import annotations

import functools
from pathlib import Path

import dagster as dg

from pipelines import anomaly_checks, checks, jobs, schedules, sensors
from pipelines.assets import history, metrics, operational, published, raw, reports
from pipelines.resources import REFRESH, RefreshResource
from si_analytics import settings
from si_analytics.definitions import files as sql_files


@dg.definitions
def defs() -> dg.Definitions:
    """The code location. A refresh is one unit, so the steps of a run share one process."""
    return _defs(settings.load().timezone, _files())


@functools.lru_cache(maxsize=4)
def _defs(timezone: str, files: frozenset[tuple[Path, int]]) -> dg.Definitions:
    """The code location by these files, made once for a state of them: for a single run Dagster loads it five times."""
    groups = (operational, raw, metrics, published, reports)
    return dg.Definitions(
        assets=[*(asset for group in groups for asset in group.assets()), *history.assets(timezone)],
        asset_checks=[*checks.asset_checks(), *anomaly_checks.asset_checks()],
        jobs=jobs.JOBS,
        schedules=schedules.schedules(timezone),
        sensors=sensors.sensors(),
        resources={REFRESH: RefreshResource()},
        executor=dg.in_process_executor,
    )


def _files() -> frozenset[tuple[Path, int]]:
    """The SQL files, each with the time it was last written."""
    return frozenset((path, path.stat().st_mtime_ns) for path in sql_files.root().rglob("*.sql"))
