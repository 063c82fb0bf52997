"""What is kept for each past day: one partition per day in the reporting time zone.

Belongs here: filling a range of days in one run, launched by 'Materialize' on the asset or as a backfill of the
job. A day's numbers are as of its end, from the rows the warehouse holds: old times with today's statuses.
"""

import warnings
from collections.abc import Callable
from datetime import date

import dagster as dg

from pipelines import columns, descriptions, results
from si_analytics import settings
from si_analytics.definitions import project
from si_analytics.query import warehouse as query_warehouse
from si_analytics.refresh import backfill
from si_analytics.settings import Settings

GROUP = "history"

_FIRST_DAY = "2020-01-01"
_SAYS = (
    "as of the end of each day in the reporting time zone, from the rows of the last refresh: old times with today's"
    " statuses, not time travel. Only days that are over as of that refresh can be filled; a range is filled in one run"
    " and replaces what was kept of its days."
)

Fill = Callable[[Settings, date, date], backfill.HistoryReport]


def assets(timezone: str) -> list[dg.AssetsDefinition]:
    """The boards and the funnels, a partition for each day of `timezone`."""
    return [
        _asset("agent_leaderboard", f"The leaderboard, {_SAYS}", backfill.backfill, timezone),
        _asset("conversion_funnels", f"Every stage of every funnel, {_SAYS}", backfill.backfill_funnels, timezone),
    ]


def _asset(name: str, says: str, fill: Fill, timezone: str) -> dg.AssetsDefinition:
    with warnings.catch_warnings():
        # Backfill policies are marked beta; they are the way to run a range in a single run.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return _filled(name, says, fill, timezone)


def _filled(name: str, says: str, fill: Fill, timezone: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=descriptions.key(GROUP, name),
        deps=[descriptions.key("metrics", name)],
        group_name=GROUP,
        description=says,
        metadata={
            **descriptions.metadata(project().metrics[name], f"warehouse.{GROUP}.{name}"),
            **columns.table_schema(columns.of_history(name)),
        },
        tags=descriptions.topic(project().metrics[name]),
        kinds={"duckdb", "sql"},
        owners=descriptions.OWNERS,
        partitions_def=dg.DailyPartitionsDefinition(_FIRST_DAY, timezone=timezone),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=descriptions.POOL,
    )
    def filled(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        days, current = context.partition_key_range, settings.load()
        _require_zone(current, timezone)
        report = fill(current, date.fromisoformat(days.start), date.fromisoformat(days.end))
        return dg.MaterializeResult(metadata=results.filled(name, report))

    return filled


def _require_zone(current: Settings, timezone: str) -> None:
    """Require that the partitions' days are those of the warehouse."""
    with query_warehouse.connect(current) as warehouse:
        found = warehouse.timezone
    if found != timezone:
        raise dg.Failure(
            f"The warehouse counts days in {found}, these partitions in {timezone}: run refresh_metrics first, which"
            " brings the warehouse to the setting SI_TIMEZONE"
        )
