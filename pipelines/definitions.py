"""Everything Dagster loads: `dagster dev` finds `defs` here.

Belongs here: putting the parts together. Importing this module reads nothing; loading it reads the SQL
files' headers and the settings (for the reporting time zone of the schedules), and no database.
May import: every module of `pipelines`, `si_analytics.settings`.
"""

from __future__ import annotations

import dagster as dg

from pipelines import checks, jobs, schedules, sensors, trends
from pipelines.assets import history, metrics, operational, published, raw, reports
from pipelines.resources import REFRESH, RefreshResource
from si_analytics import settings


@dg.definitions
def defs() -> dg.Definitions:
    """The code location. A refresh is one unit, so the steps of a run share one process."""
    timezone = settings.load().timezone
    groups = (operational, raw, metrics, published, reports)
    return dg.Definitions(
        assets=[*(asset for group in groups for asset in group.assets()), *history.assets(timezone)],
        asset_checks=[*checks.asset_checks(), *trends.asset_checks()],
        jobs=jobs.JOBS,
        schedules=schedules.schedules(timezone),
        sensors=sensors.sensors(),
        resources={REFRESH: RefreshResource()},
        executor=dg.in_process_executor,
    )
