"""Columns that differ from those of the run before: a warning that names them, after runs on real databases."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from pipelines import anomaly_checks
from si_analytics.definitions import loading
from si_analytics.settings import Settings
from tests.support import pipeline_runs, worlds
from tests.support.pipeline_runs import failures
from tests.support.worlds import AS_OF, Build

ADDED = (('"released_at",\n]', '"released_at", "dispute_reason",\n]'),)
RETYPED = ("coalesce(active.active_users, 0) as active,", "cast(active.active_users as int) as active,")


@pytest.fixture
def sql(tmp_path: Path) -> Iterator[Path]:
    """A copy of the SQL files, which a test may change between two runs."""
    copy = tmp_path / "sql"
    shutil.copytree(loading.root(), copy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "root", lambda: copy)
        patch.setattr(loading, "RECHECK_SECONDS", 0)
        yield copy


@pytest.fixture
def small(settings: Settings, postgres: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings, also in the environment, on a database that holds one deal."""
    build = Build()
    build.deal(build.influencer(), build.sponsor())
    worlds.insert(postgres, build.world)
    pipeline_runs.in_environment(monkeypatch, settings)
    return settings


def refreshed(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    job = pipeline_runs.defs().resolve_job_def("refresh_metrics")
    asked = {"as_of": AS_OF.isoformat()}
    return job.execute_in_process(run_config=asked, raise_on_error=False, instance=instance)


def warned(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """What the checks of columns that did not pass say, by asset; each is a warning."""
    compared = [found for found in result.get_asset_check_evaluations() if found.check_name == anomaly_checks.COLUMNS]
    assert compared
    failed = [found for found in compared if not found.passed]
    assert all(found.severity is dg.AssetCheckSeverity.WARN for found in failed)
    return {found.asset_key.to_user_string(): found.description or "" for found in failed}


def rewritten(file: Path, *changes: tuple[str, str]) -> None:
    """Change a file as an upgrade does, after which a process of its own reads it."""
    text = file.read_text(encoding="utf-8")
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    file.write_text(text, encoding="utf-8")


def test_a_column_that_came_or_changed_its_type_is_a_warning_that_names_it(small: Settings, sql: Path) -> None:
    """Of a table that is read and of a metric; once, for the run after has the same columns again."""
    with dg.DagsterInstance.ephemeral() as instance:
        assert warned(refreshed(instance)) == {}
        rewritten(sql / "sources" / "escrow_jobs.toml", *ADDED)
        rewritten(sql / "metrics" / "signup_cohorts.sql", RETYPED)
        changed, again = refreshed(instance), refreshed(instance)
    assert failures(changed) == failures(again) == {}
    said = warned(changed)
    assert set(said) == {"raw/escrow_jobs", "metrics/signup_cohorts"}
    assert said["raw/escrow_jobs"].endswith("Added columns: dispute_reason")
    assert said["metrics/signup_cohorts"].endswith("Column type changes:\n- active: bigint -> integer")
    assert warned(again) == {}


def test_a_column_that_is_gone_is_named_also_where_a_check_stops_the_refresh(
    small: Settings, sql: Path, postgres: psycopg.Connection
) -> None:
    escrow = sql / "sources" / "escrow_jobs.toml"
    rewritten(escrow, *ADDED)
    with dg.DagsterInstance.ephemeral() as instance:
        assert failures(refreshed(instance)) == {}
        rewritten(escrow, *((after, before) for before, after in ADDED))
        postgres.execute("update deals set completed_at = 'infinity'")
        stopped = refreshed(instance)
    assert "check_raw" in failures(stopped)
    assert {asset: said.partition("\n\n")[2] for asset, said in warned(stopped).items()} == {
        "raw/escrow_jobs": "Removed columns: dispute_reason"
    }
