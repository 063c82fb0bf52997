"""The pipelines as they are loaded: on a bare machine, with every asset, check, job, schedule and sensor."""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
import sys
import warnings
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import yaml
from dagster._utils.schedules import schedule_execution_time_iterator

from pipelines import anomaly_checks, kpis, results
from pipelines.definitions import defs
from si_analytics import extract, publish, schema
from si_analytics.compute import checks, facts, metrics
from si_analytics.definitions import loading, project
from si_analytics.reports import dashboard
from tests.support import pipeline_runs
from tests.support.folders import ROOT

GROUPS = ("operational", "raw", "facts", "metrics", "published", "history", "reports")


@pytest.fixture(scope="module")
def loaded() -> dg.Definitions:
    return defs()


def in_a_fresh_interpreter(script: str, tmp_path: Path) -> str:
    """What `script` prints where there is no environment, no home, no database and no settings file."""
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def assets_of(loaded: dg.Definitions, group: str) -> set[str]:
    graph = loaded.resolve_asset_graph()
    return {key.path[1] for key in graph.get_all_asset_keys() if graph.get(key).group_name == group}


def upstream(loaded: dg.Definitions, asset: str) -> set[str]:
    node = loaded.resolve_asset_graph().get(dg.AssetKey(asset.split("/")))
    return {key.to_user_string() for key in node.parent_keys}


def test_definitions_load_on_a_bare_machine_and_touch_nothing(tmp_path: Path) -> None:
    script = (
        "import dagster as dg; from pipelines.definitions import defs; loaded = defs();"
        "dg.Definitions.validate_loadable(loaded); print(len(loaded.resolve_asset_graph().get_all_asset_keys()))"
    )
    assert int(in_a_fresh_interpreter(script, tmp_path)) > 40
    assert list(tmp_path.iterdir()) == []


def test_the_code_location_is_made_anew_only_where_the_zone_or_a_file_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a single run Dagster loads it several times."""
    copy = tmp_path / "sql"
    shutil.copytree(loading.root(), copy)
    monkeypatch.setattr(loading, "root", lambda: copy)
    monkeypatch.setattr(loading, "RECHECK_SECONDS", 0)
    first = defs()
    assert defs() is first
    os.utime(copy / "metrics" / "user_ratings.sql", ns=(1, 1))
    second = defs()
    assert second is not first and defs() is second
    monkeypatch.setenv("SI_TIMEZONE", "Asia/Tokyo")
    assert defs() is not second


def test_importing_a_module_of_the_pipelines_reads_no_file_and_no_setting(tmp_path: Path) -> None:
    script = (
        "import os, si_analytics.settings\n"
        "from si_analytics.definitions import loading\n"
        "def refuse(*arguments, **named): raise AssertionError('called while importing')\n"
        "si_analytics.settings.load = loading.root = loading.state = refuse\n"
        "import pipelines.definitions; print('imported')"
    )
    assert in_a_fresh_interpreter(script, tmp_path) == "imported"


def test_the_library_never_imports_dagster(tmp_path: Path) -> None:
    script = (
        "import importlib, pkgutil, sys, si_analytics\n"
        "for module in pkgutil.walk_packages(si_analytics.__path__, 'si_analytics.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('dagster', 'pipelines')))"
    )
    assert in_a_fresh_interpreter(script, tmp_path) == "[]"


def test_nothing_deprecated_superseded_or_beta_is_used() -> None:
    """Warnings that Dagster gives about its own insides are not ours to change."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dg.Definitions.validate_loadable(defs())
    ours = [w for w in caught if "pipelines" in Path(w.filename).parts or issubclass(w.category, dg.BetaWarning)]
    told = [w for w in caught if issubclass(w.category, dg.SupersessionWarning | dg.PreviewWarning)]
    assert [str(warning.message) for warning in (*ours, *told)] == []


def test_every_section_table_fact_metric_and_target_is_an_asset_of_its_group(loaded: dg.Definitions) -> None:
    expected = {
        "operational": {section.name for section in schema.sections()},
        "raw": set(extract.tables()),
        "facts": {*project().facts, *project().dimensions},
        "metrics": set(metrics.names()),
        "published": set(publish.targets()),
        "history": {"agent_leaderboard", "conversion_funnels"},
        "reports": {"dashboard"},
    }
    assert {group: assets_of(loaded, group) for group in GROUPS} == expected
    graph = loaded.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        assert graph.get(key).group_name == ("facts" if key.path[0] == "dimensions" else key.path[0]), key
    assert {key.path[1] for key in graph.get_all_asset_keys() if key.path[0] == "dimensions"} == set(
        project().dimensions
    )


def test_dependencies_are_those_of_the_tables_and_the_sql(loaded: dg.Definitions) -> None:
    assert upstream(loaded, "operational/users_and_authentication") == set()
    assert upstream(loaded, "operational/payments_and_transactions") == {
        "operational/gigs_and_deals",
        "operational/users_and_authentication",
    }
    assert upstream(loaded, "raw/deals") == {"operational/gigs_and_deals"}
    assert upstream(loaded, "facts/attributed_deals") == {"raw/deals", "raw/referrals"}
    assert upstream(loaded, "dimensions/agent") == {"raw/agent_profiles", "raw/users"}
    assert upstream(loaded, "metrics/agent_leaderboard") == {
        "dimensions/agent",
        "facts/attributed_deals",
        "facts/payments",
        "facts/recruits",
        "raw/agent_profiles",
        "raw/users",
    }
    assert {"facts/applications", "facts/negotiations", "facts/escrow_jobs"} < upstream(
        loaded, "metrics/conversion_funnels"
    )
    assert {"raw/negotiation_offers", "raw/negotiations"} < upstream(loaded, "facts/negotiations")
    assert upstream(loaded, "published/agent_profiles") == {"metrics/agent_profile_summaries"}
    assert upstream(loaded, "published/brand_leaderboard") == {"metrics/brand_reputations"}
    drawn_from = {*dashboard.reads(), *(f"metrics.{name}" for name in metrics.names())}
    published = {f"published/{name}" for name in publish.targets()}
    assert upstream(loaded, "reports/dashboard") == {table.replace(".", "/") for table in drawn_from} | published
    for name in metrics.names():
        schemas = {*GROUPS, "dimensions"}
        named = {table.replace(".", "/") for table in metrics.inputs(name) if table.split(".")[0] in schemas}
        assert upstream(loaded, f"metrics/{name}") == named


def test_every_asset_says_what_it_is_who_owns_it_and_where_it_is_written(loaded: dg.Definitions) -> None:
    graph = loaded.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert len(node.description or "") > 40, key
        assert list(node.owners) == ["team:growth"], key
        assert node.kinds, key
        assert {"section", "topic"} & set(node.tags), key
        (reference,) = node.metadata["dagster/code_references"].code_references
        assert Path(reference.file_path) == ROOT / reference.label
        assert Path(reference.file_path).is_file(), key
        if key.path[0] == "reports":
            continue  # a page, which has no columns and is no table
        assert reference.label.startswith("sql/")
        assert node.metadata["dagster/table_name"], key
        said = node.metadata["dagster/column_schema"].columns
        assert said and all(column.description for column in said), key
    assert graph.get(dg.AssetKey(["raw", "deals"])).metadata["dagster/table_name"] == "warehouse.raw.deals"
    assert (
        graph.get(dg.AssetKey(["dimensions", "agent"])).metadata["dagster/table_name"] == "warehouse.dimensions.agent"
    )
    published = graph.get(dg.AssetKey(["published", "agent_leaderboard"]))
    assert published.metadata["dagster/table_name"] == "analytics.agent_leaderboard"


def test_before_anything_ran_a_column_says_what_it_means_and_where_it_comes_from(loaded: dg.Definitions) -> None:
    graph = loaded.resolve_asset_graph()

    def says(asset: str, column: str) -> tuple[str, str | None]:
        schema = graph.get(dg.AssetKey(asset.split("/"))).metadata["dagster/column_schema"]
        (found,) = (one for one in schema.columns if one.name == column)
        return found.type, found.description

    assert says("operational/agent_system", "invites.method") == (
        "varchar(20)",
        "one of sms, email, both, never empty; read into raw.invites",
    )
    assert says("operational/users_and_authentication", "users.password_hash")[1] == "never empty; stays in Postgres"
    assert says("raw/deals", "gig_id") == ("uuid", "deals.gig_id in Postgres; names a row of gigs, never empty")
    earned = "completed commissions to the agent in the window (reporting currency); from transactions.amount"
    assert says("facts/deals", "amount") == ("", "agreed (usd); from deals.amount")
    assert says("facts/signups", "created_at") == ("", "signed up (time); from users.created_at")
    assert says("metrics/agent_leaderboard", "total_earnings") == ("", earned)
    assert says("history/agent_leaderboard", "total_earnings") == ("", earned)
    assert says("published/agent_leaderboard", "total_earnings") == ("numeric", earned)
    assert says("published/users", "id") == ("uuid", "the user; from users.id")
    assert "- `take_rate`" not in str(graph.get(dg.AssetKey(["facts", "deals"])).description)
    assert "- `mean_deal` (usd): what was agreed in a deal, on average: `mean(amount)`" in str(
        graph.get(dg.AssetKey(["facts", "deals"])).description
    )
    assert "`deals`: Confirmed collaborations between" in str(
        graph.get(dg.AssetKey(["operational", "gigs_and_deals"])).description
    )


def test_every_check_is_an_asset_check_with_the_severity_of_its_header(loaded: dg.Definitions) -> None:
    graph = loaded.resolve_asset_graph()
    compared = {
        anomaly_checks.COLUMNS: {*extract.tables(), *metrics.names()},
        anomaly_checks.HEADLINES: set(kpis.METRICS),
    }
    for name, assets in compared.items():
        assert {key.asset_key.path[1] for key in graph.asset_check_keys if key.name == name} == assets
    found = {key.name: graph.get_check_spec(key) for key in graph.asset_check_keys if key.name not in compared}
    assert set(found) == set(checks.names())
    for name, spec in found.items():
        assert spec.blocking == (checks.severity(name) == "blocking"), name
        read = {tuple(table.split(".")) for table in checks.of(name).inputs}
        assert tuple(spec.key.asset_key.path) in read, name
        assert all(key.asset_key in graph.get_all_asset_keys() for key in spec.additional_deps)
    assert found["leaderboard_totals"].key.asset_key == dg.AssetKey(["metrics", "agent_leaderboard"])


def test_a_refresh_is_few_steps_in_one_process(loaded: dg.Definitions) -> None:
    """One step reads all tables, one publishes all targets, the checks of a table share theirs."""
    job = loaded.resolve_job_def("refresh_metrics")
    steps = {node.name for node in job.nodes}
    assert {"extract", "publish", "check_raw"} <= steps
    assert len(steps) <= len(facts.names()) + len(metrics.names()) + 3 + 6
    assert all(loaded.resolve_job_def(name).executor_def is dg.in_process_executor for name in jobs(loaded))


def jobs(loaded: dg.Definitions) -> set[str]:
    return {job.name for job in loaded.resolve_all_job_defs() if not job.name.startswith("__")}


def test_jobs_hold_the_groups_they_are_named_for(loaded: dg.Definitions) -> None:
    assert jobs(loaded) == {"refresh_metrics", "build_schema", "export_dashboards", "backfill_history"}
    held = {
        name: {key.path[0] for key in loaded.resolve_job_def(name).asset_layer.executable_asset_keys}
        for name in jobs(loaded)
    }
    assert held == {
        "refresh_metrics": {"raw", "dimensions", "facts", "metrics", "published"},
        "build_schema": {"operational"},
        "export_dashboards": {"reports"},
        "backfill_history": {"history"},
    }


@pytest.mark.parametrize("timezone", ["UTC", "America/New_York"])
def test_the_daily_refresh_runs_once_at_half_past_two_in_the_reporting_zone(
    timezone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SI_TIMEZONE", timezone)
    loaded = defs()
    schedule = loaded.resolve_schedule_def("daily_refresh")
    assert (schedule.job_name, schedule.cron_schedule, schedule.execution_timezone) == (
        "refresh_metrics",
        "30 2 * * *",
        timezone,
    )
    after = datetime(2026, 6, 1, 12, tzinfo=UTC)
    ticks = schedule_execution_time_iterator(after.timestamp(), schedule.cron_schedule, timezone)
    first, second = next(ticks), next(ticks)
    assert [t.astimezone(ZoneInfo(timezone)).strftime("%d %H:%M") for t in (first, second)] == ["02 02:30", "03 02:30"]
    result = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=first))
    assert result.run_requests is not None and len(result.run_requests) == 1
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED


def test_the_weekly_dashboard_asks_for_one_export(loaded: dg.Definitions) -> None:
    schedule = loaded.resolve_schedule_def("weekly_dashboard")
    assert (schedule.job_name, schedule.cron_schedule) == ("export_dashboards", "0 6 * * 1")
    tick = schedule.evaluate_tick(
        dg.build_schedule_context(scheduled_execution_time=datetime(2026, 6, 1, 6, tzinfo=UTC))
    )
    assert tick.run_requests is not None and len(tick.run_requests) == 1


def test_a_cell_is_text_on_one_line_and_not_too_long() -> None:
    rows = [("a|b\nc", None), ("[x](http://y)", "é" * 200)]
    assert results.markdown(["name_of", "note"], rows).splitlines() == [
        r"| name\_of | note |",
        "| --- | --- |",
        r"| a\|b c |  |",
        r"| \[x\]\(http\:\/\/y\) | " + "é" * 79 + "… |",
    ]


def test_the_instance_s_configuration_is_one_dagster_takes(tmp_path: Path) -> None:
    """One run at a time, no telemetry; the file is the one `si ui` puts into DAGSTER_HOME."""
    (tmp_path / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.telemetry_enabled is False
        queue = instance.get_concurrency_config().run_queue_config
        assert queue.tag_concurrency_limits == [{"key": "writes", "value": "warehouse", "limit": 1}]
        assert (instance.run_retries_enabled, instance.run_retries_max_retries) == (True, 0)
        assert instance.run_monitoring_enabled
        assert instance.get_settings("freshness") == {"enabled": True}
    named = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    assert named["concurrency"]["pools"] == {"granularity": "run", "default_limit": 1}


def test_bars_are_as_long_as_their_values_of_the_largest() -> None:
    assert kpis.bars([Decimal("8.00"), 4, 0, None, Decimal("0.01")]) == ["█" * 24, "█" * 12, "", "", "█"]
    assert kpis.bars([]) == []


def said(currency: str = "usd", **numbers: float) -> dict[str, dg.MetadataValue[Any]]:
    named = {kpis.PREFIX + name: dg.MetadataValue.float(value) for name, value in numbers.items()}
    return {"currency": dg.MetadataValue.text(currency), "seconds": dg.MetadataValue.float(1.0), **named}


def test_a_headline_is_unusual_only_beyond_what_it_does_from_run_to_run_in_the_same_currency() -> None:
    usual = [said(gmv=value) for value in (100.0, 101.0, 99.0, 100.0, 102.0)]
    assert str(anomaly_checks.unusual_headlines(said(gmv=129.0), usual)) == "As before."
    assert anomaly_checks.unusual_headlines(said(gmv=131.0), usual).told == ("gmv is 131, usual is 70 to 130",)
    assert anomaly_checks.unusual_headlines(said(gmv=0.0), usual).told == ("gmv is 0, usual is 70 to 130",)


def test_a_headline_that_has_too_few_runs_before_it_is_not_said_to_be_as_before() -> None:
    """Five runs in dollars: of the sixth it can be told, of the fifth not yet, of a first one in euros neither."""
    usual = [said(gmv=100.0)] * 5
    too_few = "Not enough to compare with, it takes 5 earlier runs in this currency: gmv"
    for made, before, count in (
        (said(gmv=0.0), usual[1:], 4),
        (said("eur", gmv=0.0), usual, 0),
        (said(gmv=1.0), [], 0),
    ):
        judged = anomaly_checks.unusual_headlines(made, before)
        assert (judged.told, judged.compared_with, str(judged)) == ((), count, f"{too_few} ({count}).")
    one_new = anomaly_checks.unusual_headlines(said(gmv=0.0, deals=3.0), usual)
    assert str(one_new) == "gmv is 0, usual is 70 to 130"
    assert str(anomaly_checks.unusual_headlines(said(gmv=100.0, deals=3.0), usual)).endswith("deals (0).")


def test_the_graph_is_the_one_that_was_agreed_on(loaded: dg.Definitions) -> None:
    """Keys (a key's folder is its group) and dependencies; tests.support.pipeline_runs writes them anew."""
    agreed = (ROOT / "tests" / "fixtures" / "asset_graph.txt").read_text(encoding="utf-8").splitlines()
    assert len(agreed) < 100
    changes = list(difflib.unified_diff(agreed, pipeline_runs.drawn(loaded), "agreed", "found", n=0, lineterm=""))
    meant = "If this is meant: python -m tests.support.pipeline_runs > tests/fixtures/asset_graph.txt"
    assert not changes, "\n".join([*changes, meant])


def test_dagster_s_own_command_finds_the_definitions_valid(tmp_path: Path) -> None:
    said = in_a_fresh_interpreter(
        "import sys; from dagster._cli import main; sys.argv[1:] = ['definitions', 'validate', '-m',"
        " 'pipelines.definitions', '--log-level', 'warning']; main()",
        tmp_path,
    )
    assert "Error" not in said
