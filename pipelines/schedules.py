"""What runs by the clock, in the reporting time zone.

Schedules start switched off: the owner of a machine decides whether it writes to a database every night,
with one click under Automation.
"""

from __future__ import annotations

import dagster as dg

from pipelines import jobs


def schedules(timezone: str) -> list[dg.ScheduleDefinition]:
    """Every schedule, in the time zone `timezone`."""
    return [
        dg.ScheduleDefinition(
            name="daily_refresh",
            target=jobs.REFRESH_METRICS,
            cron_schedule="30 2 * * *",
            execution_timezone=timezone,
            description="Refreshes every number at 02:30 in the reporting time zone.",
        ),
        dg.ScheduleDefinition(
            name="weekly_dashboard",
            target=jobs.EXPORT_DASHBOARDS,
            cron_schedule="0 6 * * 1",
            execution_timezone=timezone,
            description="Writes the dashboard on Mondays at 06:00 in the reporting time zone.",
        ),
    ]
