"""The history by day in Dagster: a range is one run, days are the reporting zone's, also where the clocks change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import psycopg
import pytest

from pipelines.definitions import defs
from si_analytics import refresh, warehouse
from si_analytics.settings import Settings
from tests.support import pipeline_runs, worlds
from tests.support.pipeline_runs import failures

ZONE = "Europe/Berlin"
END_OF_SHORT_DAY = datetime(2026, 3, 29, 22, tzinfo=UTC)  # 2026-03-29 has 23 hours in Berlin
TICK = timedelta(microseconds=1)
DAYS = (date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30))


@pytest.fixture
def berlin(settings: Settings, postgres: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An invite and a commission in the last microsecond of the short day, one of each in the first of the next."""
    build = worlds.Build()
    agent = build.agent()
    for moment in (END_OF_SHORT_DAY - TICK, END_OF_SHORT_DAY):
        build.transaction(agent, "10.00", created_at=moment)
        build.invite(agent, sent_at=moment)
    worlds.insert(postgres, build.world)
    ours = settings.model_copy(update={"timezone": ZONE})
    pipeline_runs.in_environment(monkeypatch, ours)
    refresh.run(ours, as_of=datetime(2026, 4, 1, tzinfo=UTC))
    return ours


def backfill(first: str, last: str, assets: Sequence[str] = ()) -> tuple[dg.ExecuteInProcessResult, Counter[str]]:
    """One run for the range, as a single-run backfill launches it, and the partitions that it materialised."""
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    with dg.DagsterInstance.ephemeral() as instance:
        result = (
            defs()
            .resolve_job_def("backfill_history")
            .execute_in_process(tags=tags, instance=instance, raise_on_error=False)
        )
        made = Counter(
            f"{event.asset_key.to_user_string()} {event.partition}"
            for event in result.get_asset_materialization_events()
        )
    return result, made


def test_a_backfill_over_a_change_of_the_clocks_is_one_run_and_each_day_is_as_of_its_end(berlin: Settings) -> None:
    result, made = backfill("2026-03-28", "2026-03-30")
    assert failures(result) == {}
    assert made == Counter(
        f"history/{name} {day}" for name in ("agent_leaderboard", "conversion_funnels") for day in DAYS
    )
    with warehouse.open_file(berlin.warehouse, berlin, read_only=True) as opened:
        earned = opened.sql(
            "select as_of_date, total_earnings from history.agent_leaderboard"
            " where as_of_date between '2026-03-28' and '2026-03-30' order by all"
        ).fetchall()
        sent = opened.sql(
            "select as_of_date, reached from history.conversion_funnels"
            " where funnel = 'invite' and stage_number = 1 and as_of_date between '2026-03-28' and '2026-03-30'"
            " order by all"
        ).fetchall()
    assert [(day, int(amount)) for day, amount in earned] == list(zip(DAYS, (0, 10, 20), strict=True))
    assert sent == list(zip(DAYS, (0, 1, 2), strict=True))


def test_a_day_that_is_not_over_is_refused_and_what_was_kept_stands(berlin: Settings) -> None:
    before = berlin.warehouse.read_bytes()
    result, _ = backfill("2026-03-30", "2026-04-01")
    assert "that day is not over as of the last refresh" in " ".join(failures(result).values())
    assert berlin.warehouse.read_bytes() == before


def test_days_of_another_zone_than_the_warehouse_s_are_refused(
    berlin: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SI_TIMEZONE", "Asia/Tokyo")
    result, made = backfill("2026-03-28", "2026-03-28")
    assert not made
    assert "The warehouse counts days in Europe/Berlin" in " ".join(failures(result).values())


def test_partitions_are_the_days_of_the_reporting_zone_once_each_and_filled_in_a_single_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SI_TIMEZONE", ZONE)
    graph = defs().resolve_asset_graph()
    for name in ("agent_leaderboard", "conversion_funnels"):
        node = graph.get(dg.AssetKey(["history", name]))
        assert node.backfill_policy == dg.BackfillPolicy.single_run()
        days = node.partitions_def
        assert isinstance(days, dg.DailyPartitionsDefinition)
        with dg.partition_loading_context(effective_dt=datetime(2026, 10, 27, 3, tzinfo=UTC)):
            found = days.get_partition_keys()
        assert len(set(found)) == len(found) == (date(2026, 10, 27) - date(2020, 1, 1)).days
        for day, hours in (("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)):
            window = days.time_window_for_partition_key(day)
            assert window.end.astimezone(UTC) - window.start.astimezone(UTC) == timedelta(hours=hours)
            assert window.start.astimezone(ZoneInfo(ZONE)).hour == 0


def test_every_refresh_keeps_the_funnels_of_its_day(berlin: Settings) -> None:
    with warehouse.open_file(berlin.warehouse, berlin, read_only=True) as opened:
        kept = opened.sql("select distinct as_of_date from history.conversion_funnels").fetchall()
        same = opened.sql(
            "select count(*) from (select columns(lambda name: name != 'as_of_date') from history.conversion_funnels"
            " except all select * from metrics.conversion_funnels)"
        ).fetchone()
    assert (kept, same) == ([(date(2026, 4, 1),)], (0,))
