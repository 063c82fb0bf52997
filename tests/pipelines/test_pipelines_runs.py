"""The pipelines at work on real databases: what a run computes, publishes, shows, and leaves when it fails."""

from __future__ import annotations

import http.server
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
import duckdb
import psycopg
import pytest
from dagster._utils.error import serializable_error_info_from_exc_info

from pipelines import alerts, anomaly_checks, kpis, launch_config, resources
from si_analytics import extract, publish, refresh, sample
from si_analytics.compute import checks, facts, metrics
from si_analytics.errors import InterruptedReadError
from si_analytics.extract import TableExtract
from si_analytics.periods import windows
from si_analytics.refresh import Refresh
from si_analytics.reports import pdf, spreadsheets
from si_analytics.settings import Settings
from tests.support import pipeline_runs, worlds
from tests.support.pipeline_runs import failures, launch, materialize, published_tables, shown, warehouse_tables
from tests.support.worlds import AS_OF, Build

MOMENT = AS_OF.isoformat()


def small_world() -> Build:
    """One agent who recruited one influencer; three deals with one sponsor; one commission of 10.00."""
    build = Build()
    agent, sponsor, influencer = build.agent(name="Zoë <b>|</b>"), build.sponsor(), build.influencer()
    build.referral(agent, influencer)
    for _ in range(3):
        build.deal(influencer, sponsor)
    build.transaction(agent, "10.00")
    build.review(influencer, agent, "4.5")
    build.invite(agent, opened_at=AS_OF - timedelta(days=1))
    return build


@pytest.fixture
def small(settings: Settings, postgres: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings, also in the environment, on a database that holds the small world."""
    worlds.insert(postgres, small_world().world)
    pipeline_runs.in_environment(monkeypatch, settings)
    return settings


@pytest.fixture(scope="module")
def ran(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> dg.ExecuteInProcessResult:
    """One refresh of the small world, for the tests that only read what it shows."""
    home, url = tmp_path_factory.mktemp("ran"), create_database(schema_template)
    with psycopg.connect(url, autocommit=True) as connection:
        worlds.insert(connection, small_world().world)
    with pytest.MonkeyPatch.context() as monkeypatch:
        values = {"postgres_url": url, "home": home, "warehouse": home / "warehouse.duckdb"}
        pipeline_runs.in_environment(monkeypatch, Settings(_env_file=None, **values))  # type: ignore[arg-type, call-arg]
        return launch("refresh_metrics", as_of=MOMENT)


def test_the_job_gives_the_numbers_of_a_refresh_row_by_row(
    create_database: Callable[..., str],
    schema_template: str,
    make_settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two databases hold the same sample; one is refreshed by the library, the other by the job."""
    by_library, by_job = (
        make_settings(create_database(schema_template), home=home, warehouse=home / "warehouse.duckdb")
        for base in [make_settings("postgresql:///none").home]
        for home in (base / "library", base / "job")
    )
    for settings in (by_library, by_job):
        sample.generate(settings, scale=Decimal("0.02"))
    refresh.run(by_library, as_of=sample.END)
    pipeline_runs.in_environment(monkeypatch, by_job)
    result = launch("refresh_metrics", as_of=sample.END.isoformat())
    assert failures(result) == {}
    expected, found = warehouse_tables(by_library), warehouse_tables(by_job)
    assert {f"raw.{name}" for name in extract.tables()} | {f"metrics.{name}" for name in metrics.names()} == set(found)
    for table, rows in expected.items():
        assert found[table] == rows, table
    assert len(expected["metrics.agent_leaderboard"]) >= 5
    assert published_tables(by_job) == published_tables(by_library)
    again = refresh.run(by_job, as_of=sample.END)
    assert again.rows_written == 0


def test_a_run_materialises_and_checks_everything_once(ran: dg.ExecuteInProcessResult) -> None:
    assert failures(ran) == {}
    made = [event.asset_key.to_user_string() for event in ran.get_asset_materialization_events()]
    expected = {
        *(f"raw/{name}" for name in extract.tables()),
        *(table.replace(".", "/") for table in facts.names()),
        *(f"metrics/{name}" for name in metrics.names()),
        *(f"published/{name}" for name in publish.targets()),
    }
    assert (len(made), set(made)) == (len(expected), expected)
    evaluated = [check.check_name for check in ran.get_asset_check_evaluations()]
    looked_at = len(extract.tables()) + len(metrics.names())
    compared = [anomaly_checks.COLUMNS] * looked_at + [anomaly_checks.HEADLINES] * len(kpis.METRICS)
    assert sorted(evaluated) == sorted([*checks.names(), *compared])
    assert all(check.passed for check in ran.get_asset_check_evaluations())


def test_each_materialisation_shows_rows_seconds_moment_and_snapshot(ran: dg.ExecuteInProcessResult) -> None:
    deals, fact, board, target = (
        shown(ran, asset)
        for asset in ("raw/deals", "facts/deals", "metrics/agent_leaderboard", "published/agent_leaderboard")
    )
    assert fact["dagster/row_count"] == 3
    assert ("amount", "decimal(10,2)") in [(one.name, one.type) for one in fact["dagster/column_schema"].columns]
    (origin,) = fact["dagster/column_lineage"].deps_by_column["amount"]
    assert origin == dg.TableColumnDep(dg.AssetKey(["raw", "deals"]), "amount")
    assert (deals["dagster/row_count"], deals["money"]) == (3, "300.00")
    assert board["dagster/row_count"] == 1
    assert (target["changed rows"], target["inserted"], target["updated"], target["deleted"]) == (1, 1, 0, 0)
    assert target["why in full"] == "nothing was published before"
    for metadata in (deals, fact, board, target):
        assert metadata["as_of"] == AS_OF.timestamp()
        assert metadata["currency"] == "usd"
        assert metadata["snapshot"] == deals["snapshot"]
        assert 0 < metadata["seconds"] < 60
    assert (board["headline: agents"], board["headline: total earnings"], target["warnings"]) == (1, 10.0, 0)
    assert board["chart"].splitlines()[-1].endswith(f"10\\.00 | {'█' * 24} |")
    says = {column.name: column.description for column in board["dagster/column_schema"].columns}
    assert all(says.values())
    assert says["total_earnings"].endswith("(reporting currency); from transactions.amount")
    made_of = board["dagster/column_lineage"].deps_by_column["total_earnings"]
    assert dg.TableColumnDep(dg.AssetKey(["facts", "payments"]), "amount") in made_of
    (origin,) = deals["dagster/column_lineage"].deps_by_column["amount"]
    assert origin == dg.TableColumnDep(dg.AssetKey(["operational", "gigs_and_deals"]), "deals.amount")
    (copied,) = target["dagster/column_lineage"].deps_by_column["total_earnings"]
    assert copied == dg.TableColumnDep(dg.AssetKey(["metrics", "agent_leaderboard"]), "total_earnings")
    (key,) = shown(ran, "published/users")["dagster/column_lineage"].deps_by_column["id"]
    assert key == dg.TableColumnDep(dg.AssetKey(["metrics", "user_ratings"]), "user_id")
    columns = [(column.name, column.type) for column in board["dagster/column_schema"].columns]
    assert ("total_earnings", "decimal(38,2)") in columns
    assert ("agent_id", "uuid") in columns


def test_a_name_in_the_table_of_first_rows_cannot_be_markup(ran: dg.ExecuteInProcessResult) -> None:
    """The agent is called ``Zoë <b>|</b>``; every character that Markdown could read as its own is escaped."""
    table = shown(ran, "metrics/agent_leaderboard")["first rows"]
    heading, rule, row = table.splitlines()
    assert heading.startswith(r"| agent\_name | tier | ") and heading.endswith(r" | agent\_id |")
    assert set(rule) == {"|", " ", "-"}
    assert r"| Zoë \<b\>\|\<\/b\> | bronze | 1 | 3 | 10\.00 | 1 |" in row


def test_a_second_run_writes_nothing(small: Settings) -> None:
    refresh.run(small, as_of=AS_OF)
    result = launch("refresh_metrics", as_of=MOMENT)
    assert failures(result) == {}
    assert {shown(result, f"published/{target}")["changed rows"] for target in publish.targets()} == {0}


def test_without_config_a_run_describes_the_moment_of_its_snapshot(
    small: Settings, postgres: psycopg.Connection
) -> None:
    before = postgres.execute("select now()").fetchone()
    result = launch("refresh_metrics")
    after = postgres.execute("select now()").fetchone()
    assert before is not None and after is not None
    found = datetime.fromtimestamp(shown(result, "metrics/agent_leaderboard")["as_of"], UTC)
    assert before[0] <= found <= after[0]


def test_a_date_is_midnight_in_the_reporting_zone(small: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SI_TIMEZONE", "America/New_York")
    result = launch("refresh_metrics", as_of="2026-07-01")
    expected = datetime(2026, 7, 1, 4, tzinfo=UTC)
    assert shown(result, "metrics/agent_leaderboard")["as_of"] == expected.timestamp()


def test_yesterday_is_its_midnight_in_the_reporting_zone(small: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SI_TIMEZONE", "America/New_York")
    before = datetime.now(UTC)
    result = launch("refresh_metrics", as_of="Yesterday")
    found = datetime.fromtimestamp(shown(result, "metrics/agent_leaderboard")["as_of"], UTC)
    assert found in {windows.instant("yesterday", "America/New_York", as_of=now) for now in (before, datetime.now(UTC))}


def test_another_currency_leaves_dollars_out(small: Settings) -> None:
    result = launch("refresh_metrics", as_of=MOMENT, currency=" EUR ")
    assert shown(result, "metrics/agent_leaderboard")["currency"] == "eur"
    (agent,) = warehouse_tables(small)["metrics.agent_leaderboard"]
    assert Decimal("0.00") in agent and Decimal("10.00") not in agent


def test_a_run_says_what_it_counts_otherwise_than_the_one_before(
    small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh.run(small, as_of=AS_OF)
    monkeypatch.setenv("SI_TIMEZONE", "America/New_York")
    told = "Days and months are those of America/New_York, they were those of UTC"
    result = launch("refresh_metrics", as_of=MOMENT)
    assert shown(result, "metrics/marketplace_monthly")["counted otherwise"] == told
    assert shown(result, "published/users")["counted otherwise"] == told
    again = launch("refresh_metrics", as_of=MOMENT)
    assert "counted otherwise" not in shown(again, "metrics/marketplace_monthly")


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"as_of": "someday"}, "as_of 'someday': it is no date or time"),
        ({"as_of": "2026-06-01T00:00:00"}, "it has no time zone, so it names no one moment"),
        ({"currency": "U$"}, "currency 'U$' is not 1 to 10 letters or digits, like usd, eur or eth"),
    ],
)
def test_a_mistake_in_the_form_is_explained_and_no_run_begins(
    small: Settings, config: dict[str, str], sentence: str
) -> None:
    with pytest.raises(launch_config.LaunchRefusedError, match=re.escape(sentence)):
        launch("refresh_metrics", **config)
    assert not small.warehouse.exists()


@pytest.mark.parametrize(
    ("job", "config", "sentence"),
    [
        ("refresh_metrics", {"as_of": "someday"}, "as_of 'someday': it is no date or time"),
        ("export_dashboards", {"pages": ["htm"]}, "pages 'htm' is none of html, pdf: html?"),
    ],
)
def test_of_a_mistake_in_a_form_dagster_shows_the_sentence_and_nothing_of_the_code(
    small: Settings, job: str, config: dict[str, Any], sentence: str
) -> None:
    """As a code location describes it to the web server, which shows whatever frames and causes there are."""
    try:
        dg.validate_run_config(pipeline_runs.defs().resolve_job_def(job), config)
    except launch_config.LaunchRefusedError:
        told = serializable_error_info_from_exc_info(sys.exc_info())
    assert told.message.startswith(sentence)
    assert (list(told.stack), told.cause, told.context) == ([], None, None)
    assert "\n" not in told.to_string()


def test_a_mistake_in_the_form_of_an_asset_launched_by_itself_is_the_same_sentence(small: Settings) -> None:
    """Without its job's form the fields are the step's own; they are judged where the step begins."""
    refresh.run(small, as_of=AS_OF)
    result = (
        pipeline_runs.defs()
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(
            run_config={"ops": {launch_config.REPORTS: {"config": {"tables": ["xls"]}}}},
            asset_selection=[dg.AssetKey(["reports", "dashboard"])],
            raise_on_error=False,
            instance=dg.DagsterInstance.ephemeral(),
        )
    )
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    told = failed.step_failure_data.error
    assert told is not None
    assert told.to_string() == "tables 'xls' is none of csv, parquet, xlsx: xlsx?"
    assert not small.exports.exists()


def test_a_workbook_that_could_not_hold_everything_says_so_in_the_run(
    small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With sheets of one row: a metric of more is a CSV file, which the asset's metadata names."""
    refresh.run(small, as_of=AS_OF)
    monkeypatch.setattr(spreadsheets, "_ROWS", 1)
    result = launch("export_dashboards", pages=[], tables=["xlsx"])
    assert failures(result) == {}
    made = shown(result, "reports/dashboard")
    assert "conversion_funnels.csv beside the workbook" in made["not in the workbook whole"]
    assert (Path(made["tables"]) / "conversion_funnels.csv").is_file()


def test_an_export_writes_what_its_form_asks_for(small: Settings) -> None:
    """Every metric as a CSV file and no page; the page alone is what a form left empty asks for."""
    refresh.run(small, as_of=AS_OF)
    result = launch("export_dashboards", pages=[], tables=["CSV", "csv"])
    assert failures(result) == {}
    made = shown(result, "reports/dashboard")
    assert (made["files"], made["as_of"], made["currency"]) == (len(metrics.names()), AS_OF.timestamp(), "usd")
    assert sorted(path.stem for path in Path(made["tables"]).iterdir()) == sorted(metrics.names())
    assert not (small.exports / "dashboard.html").exists()
    assert launch_config.Reports().model_dump() == {"pages": ["html"], "tables": []}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"pages": ["htm"]}, "pages 'htm' is none of html, pdf: html?"),
        ({"tables": ["csv", "xls"]}, "tables 'xls' is none of csv, parquet, xlsx: xlsx?"),
        ({"pages": []}, "nothing is asked for: pages and tables are both empty"),
        ({"pages": ["pdf"]}, "pages pdf: no Chromium or Chrome was found to print it. Install one"),
    ],
)
def test_a_mistake_in_the_form_of_an_export_is_explained_and_no_run_begins(
    small: Settings, monkeypatch: pytest.MonkeyPatch, config: dict[str, list[str]], sentence: str
) -> None:
    monkeypatch.setattr(pdf.Chromium, "find_browser", lambda **_: None)
    with pytest.raises(launch_config.LaunchRefusedError, match=re.escape(sentence)):
        launch("export_dashboards", **config)
    assert not small.exports.exists()


def test_a_loss_that_looks_like_a_mistake_is_published_where_the_form_accepts_it(
    settings: Settings, postgres: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four agents have a commission each; then no transaction is there any more."""
    build = Build()
    for _ in range(4):
        build.transaction(build.agent(), "10.00")
    worlds.insert(postgres, build.world)
    pipeline_runs.in_environment(monkeypatch, settings)
    refresh.run(settings, as_of=AS_OF)
    postgres.execute("delete from transactions")
    refused = failures(launch("refresh_metrics", as_of=MOMENT))
    assert set(refused) == {"publish"} and "4 of the 4 agents" in refused["publish"]
    assert failures(launch("refresh_metrics", as_of=MOMENT, accept_change=True)) == {}


def test_a_failed_step_leaves_warehouse_and_postgres_as_they_were(
    small: Settings, postgres: psycopg.Connection
) -> None:
    """After a good run a commission changes, and Postgres refuses the last row that publishing writes."""
    refresh.run(small, as_of=AS_OF)
    before, file = published_tables(small), small.warehouse.read_bytes()
    postgres.execute("update transactions set amount = 99")
    postgres.execute("alter table analytics.refreshes add constraint closed check (false) not valid")
    result = launch("refresh_metrics", as_of=MOMENT)
    assert set(failures(result)) == {"publish"}
    assert small.warehouse.read_bytes() == file
    assert [path.name for path in small.warehouse.parent.iterdir() if "working" in path.name] == []
    assert published_tables(small) == before
    postgres.execute("alter table analytics.refreshes drop constraint closed")
    refresh.run(small, as_of=AS_OF)
    assert published_tables(small) != before


def test_a_blocking_check_stops_all_that_comes_after_it(small: Settings, postgres: psycopg.Connection) -> None:
    """A deal is completed at infinity."""
    refresh.run(small, as_of=AS_OF)
    before, file = published_tables(small), small.warehouse.read_bytes()
    postgres.execute("update transactions set amount = 99")
    postgres.execute("update deals set completed_at = 'infinity'")
    result = launch("refresh_metrics", as_of=MOMENT)
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert [(c.check_name, c.severity, c.blocking) for c in failed] == [
        ("infinite_times", dg.AssetCheckSeverity.ERROR, True)
    ]
    assert failed[0].metadata["rows"].value == 3
    assert "check_raw" in failures(result)
    assert "published/agent_leaderboard" not in {
        event.asset_key.to_user_string() for event in result.get_asset_materialization_events()
    }
    assert (published_tables(small), small.warehouse.read_bytes()) == (before, file)


def test_a_blocking_check_on_a_metric_stops_publishing(small: Settings, postgres: psycopg.Connection) -> None:
    """agent_profiles.total_earnings holds less than 100,000,000; this commission is that much."""
    postgres.execute("update transactions set amount = 100000000")
    result = launch("refresh_metrics", as_of=MOMENT)
    (failed,) = (check for check in result.get_asset_check_evaluations() if not check.passed and check.blocking)
    assert (failed.check_name, failed.asset_key.path[0]) == ("values_too_large", "metrics")
    assert r"| agent\_profiles | total\_earnings | " in failed.metadata["first rows"].value
    (step, sentence), *others = failures(result).items()
    assert step.startswith("check_") and "values_too_large found" in sentence and not others
    assert published_tables(small)["agent_leaderboard"] == []
    assert not small.warehouse.exists()


def test_a_blocking_check_stops_publishing_even_where_only_metrics_of_other_tables_are_chosen(
    small: Settings, postgres: psycopg.Connection
) -> None:
    """No check of this run's own assets would stop it: the library asks all of them before it publishes."""
    postgres.execute("update deals set completed_at = 'infinity'")
    result = materialize("raw/users", "published")
    assert "infinite_times" in " ".join(failures(result).values())
    assert not small.warehouse.exists()
    assert published_tables(small)["agent_leaderboard"] == []


def test_a_warning_is_shown_and_stops_nothing(small: Settings, postgres: psycopg.Connection) -> None:
    """A commission in euro is left out of the dollars: a warning."""
    postgres.execute(
        "insert into transactions (type, to_user_id, amount, currency, status, created_at)"
        " select type, to_user_id, 7, 'EUR', status, created_at from transactions"
    )
    result = launch("refresh_metrics", as_of=MOMENT)
    assert failures(result) == {}
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert failed
    assert {check.severity for check in failed} == {dg.AssetCheckSeverity.WARN}
    assert shown(result, "published/agent_leaderboard")["changed rows"] == 1


def test_one_metric_is_recomputed_from_the_warehouse_as_it_stands(
    small: Settings, postgres: psycopg.Connection
) -> None:
    """Postgres changes after a refresh as of a past moment: the metric keeps that moment and those rows."""
    refresh.run(small.model_copy(update={"currency": "eur"}), as_of=AS_OF)
    before = warehouse_tables(small, ("raw", "metrics", "meta", "history"))
    worlds.clear(postgres)
    result = materialize("metrics/agent_leaderboard")
    assert failures(result) == {}
    metadata = shown(result, "metrics/agent_leaderboard")
    assert (metadata["as_of"], metadata["currency"]) == (AS_OF.timestamp(), "eur")
    after = warehouse_tables(small, ("raw", "metrics", "meta", "history"))
    assert len(after.pop("meta.checks")) == len(before.pop("meta.checks")) == len(checks.names())
    # A metric computed again may be declared otherwise than what was published: that is no longer known to stand.
    assert before.pop("meta.publications") and not after.pop("meta.publications")
    assert {table: sorted(rows, key=repr) for table, rows in after.items()} == {
        table: sorted(rows, key=repr) for table, rows in before.items()
    }


def _computed(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every dimension, fact and metric; a fact has no order."""
    found = warehouse_tables(settings, ("dimensions", "facts", "metrics"))
    return {table: sorted(rows, key=repr) for table, rows in found.items()}


def test_one_fact_of_the_warehouse_as_it_stands_is_that_of_its_refresh(small: Settings) -> None:
    """It is stored already, and nothing that it is made of has changed; its rows are told all the same."""
    refresh.run(small, as_of=AS_OF)
    before = _computed(small)
    result = materialize("facts/deals", "dimensions/user")
    assert failures(result) == {}
    told = {asset: shown(result, asset)["dagster/row_count"] for asset in ("facts/deals", "dimensions/user")}
    assert told == {"facts/deals": 3, "dimensions/user": len(before["dimensions.user"])}
    assert _computed(small) == before


def test_a_metric_lays_out_the_facts_that_the_warehouse_lacks(small: Settings) -> None:
    """As of a warehouse that a former version left, in which there are none."""
    refresh.run(small, as_of=AS_OF)
    before = _computed(small)
    with duckdb.connect(str(small.warehouse)) as connection:
        for schema in ("dimensions", "facts"):
            connection.execute(f"drop schema {schema} cascade")
    result = materialize("metrics/agent_leaderboard")
    assert failures(result) == {}
    assert _computed(small) == before


def test_a_metric_without_any_warehouse_says_what_to_do(small: Settings) -> None:
    found = failures(materialize("metrics/user_ratings"))
    assert "there is none yet. Fill it first: si refresh" in found["metrics__user_ratings"]


def test_publishing_alone_repairs_what_someone_wrote_by_hand(small: Settings, postgres: psycopg.Connection) -> None:
    refresh.run(small, as_of=AS_OF)
    before = published_tables(small)
    postgres.execute("update agent_performance_metrics set total_earnings = 0")
    result = materialize("published")
    assert failures(result) == {}
    assert shown(result, "published/agent_performance_metrics")["updated"] == 1
    assert published_tables(small) == before
    assert postgres.execute("select count(*) from analytics.refreshes").fetchone() == (1,)


def test_raw_tables_alone_renew_the_warehouse_and_leave_postgres(small: Settings, postgres: psycopg.Connection) -> None:
    """A warehouse is of one moment: its metrics are computed anew with its rows, nothing is published."""
    refresh.run(small, as_of=AS_OF)
    before = published_tables(small)
    postgres.execute("update transactions set amount = 99")
    result = materialize("raw")
    assert failures(result) == {}
    assert Decimal("99.00") in warehouse_tables(small)["metrics.agent_leaderboard"][0]
    assert published_tables(small) == before
    assert failures(materialize("published")) == {}
    assert Decimal("99") in published_tables(small)["agent_leaderboard"][0]


def test_everything_at_once_builds_the_schema_refreshes_and_reports(
    empty_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """'Materialize all' on an empty database."""
    pipeline_runs.in_environment(monkeypatch, empty_settings)
    monkeypatch.setenv("EXPORTS_URL", "https://metrics.example.com/exports/")
    result = materialize("operational", "raw", "dimensions", "facts", "metrics", "published", "reports")
    assert failures(result) == {}
    assert shown(result, "operational/users_and_authentication")["tables created"] == 8
    dashboard = shown(result, "reports/dashboard")
    assert (dashboard["html"], dashboard["files"]) == (str(empty_settings.exports / "dashboard.html"), 1)
    assert dashboard["open html"] == "https://metrics.example.com/exports/dashboard.html"
    assert dashboard["as_of"] == shown(result, "raw/users")["as_of"]
    order = [event.step_key for event in result.all_events if event.is_step_success]
    assert order.index("apply_schema") < order.index("extract") < order.index("publish") < len(order) - 1
    assert order[-1] == "reports__dashboard"


def test_building_the_schema_twice_creates_nothing_the_second_time(
    empty_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline_runs.in_environment(monkeypatch, empty_settings)
    first, second = launch("build_schema"), launch("build_schema")
    assert failures(first) == failures(second) == {}
    name = "operational/agent_system"
    assert shown(first, name)["tables created"] == shown(first, name)["tables"] > 5
    assert shown(second, name)["objects created in all sections"] == 0


def test_a_failed_run_is_told_in_the_log_with_step_and_reason(
    small: Settings,
    postgres: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    receiver: str,
) -> None:
    """And to the webhook, in the library's own words and with where to look."""
    monkeypatch.setenv("ALERT_WEBHOOK_URL", receiver)
    monkeypatch.setenv("ALERT_UI_URL", "https://metrics.example.com/")
    postgres.execute("update deals set completed_at = 'infinity'")
    loaded = pipeline_runs.defs()
    with dg.DagsterInstance.ephemeral() as instance:
        result = loaded.resolve_job_def("refresh_metrics").execute_in_process(raise_on_error=False, instance=instance)
        (failed,) = (event for event in result.all_events if event.event_type is dg.DagsterEventType.RUN_FAILURE)
        context = dg.build_run_status_sensor_context(
            "run_failure", failed, instance, result.dagster_run
        ).for_run_failure()
        context.log.addHandler(caplog.handler)
        sensor = loaded.resolve_sensor_def("run_failure")
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
        sensor(context)
    told = "\n".join(record.getMessage() for record in caplog.records if record.levelname == "ERROR")
    assert f"Run {result.run_id} of refresh_metrics failed" in told
    assert "Step check_raw: checking the refresh: infinite_times found 3 rows" in told
    ((posted,),) = (list(message.values()) for message in Receiver.told)
    assert posted.startswith(f"Run {result.run_id} of refresh_metrics failed\nStep check_raw: checking the refresh: ")
    assert posted.endswith(f"\nhttps://metrics.example.com/runs/{result.run_id}")


def test_a_retry_from_the_failed_step_is_refused_with_what_to_do_instead(small: Settings) -> None:
    refresh.run(small, as_of=AS_OF)
    loaded = pipeline_runs.defs()
    result = loaded.resolve_job_def("refresh_metrics").execute_in_process(
        asset_selection=[dg.AssetKey(["metrics", "user_ratings"])],
        tags={"dagster/is_resume_retry": "true"},
        raise_on_error=False,
        instance=dg.DagsterInstance.ephemeral(),
    )
    assert "Choose 'Re-execute all' instead" in " ".join(failures(result).values())


class Receiver(http.server.BaseHTTPRequestHandler):
    """A webhook that remembers what it was told."""

    told: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:
        self.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: tests are quiet."""


@pytest.fixture
def receiver() -> Iterator[str]:
    Receiver.told.clear()
    with http.server.HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/secret-token"
        server.shutdown()
        thread.join()


def test_a_webhook_and_an_e_mail_tell_of_a_failed_run_and_one_out_of_reach_stops_no_other(receiver: str) -> None:
    """No mail server listens there: the webhook is told all the same, and no secret is in what is said of it."""
    environment = {
        "ALERT_WEBHOOK_URL": receiver,
        "ALERT_EMAIL_TO": "team@example.com",
        "ALERT_EMAIL_FROM": "si@example.com",
        "ALERT_SMTP_URL": "smtp://someone:hunter2@127.0.0.1:1",
    }
    (trouble,) = alerts.send("Run 1 of refresh_metrics failed", "Step extract: why", environment)
    assert Receiver.told == [{"text": "Run 1 of refresh_metrics failed\nStep extract: why"}]
    assert trouble == "The e-mail of ALERT_EMAIL_TO was not sent: ConnectionRefusedError"
    (trouble,) = alerts.send("away", "", {"ALERT_WEBHOOK_URL": "http://127.0.0.1:1/secret-token"})
    assert trouble == "The webhook of ALERT_WEBHOOK_URL was not told: ConnectionError"
    assert alerts.send("nobody", "is configured", {}) == []
    (trouble,) = alerts.send("half", "configured", {"ALERT_EMAIL_TO": "team@example.com"})
    assert trouble == "No e-mail was sent: ALERT_EMAIL_FROM, ALERT_SMTP_URL is not set, while ALERT_EMAIL_TO is"


def test_an_extraction_that_postgres_broke_off_is_begun_anew_and_other_failures_are_not(
    small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first attempt breaks off: its lock and working file are gone, so the second succeeds."""
    read, attempts = Refresh.extract, []

    def broken_once(self: Refresh) -> list[TableExtract]:
        attempts.append(self.refresh_id)
        if len(attempts) == 1:
            raise InterruptedReadError("reading", "the server restarts", "Try again")
        return read(self)

    monkeypatch.setattr(Refresh, "extract", broken_once)
    monkeypatch.setattr(resources, "_FIRST_WAIT_SECONDS", 0.01)
    assert failures(launch("refresh_metrics", as_of=MOMENT)) == {}
    assert len(set(attempts)) == 2
    monkeypatch.setattr(Refresh, "extract", lambda self: (attempts.append("no"), read(self), 1 / 0))
    assert set(failures(launch("refresh_metrics", as_of=MOMENT))) == {"extract"}
    assert attempts.count("no") == 1


def test_the_run_after_a_failed_one_succeeds(small: Settings, postgres: psycopg.Connection) -> None:
    postgres.execute("update deals set completed_at = 'infinity'")
    assert "check_raw" in failures(launch("refresh_metrics", as_of=MOMENT))
    postgres.execute("update deals set completed_at = created_at")
    assert failures(launch("refresh_metrics", as_of=MOMENT)) == {}


def test_what_changed_since_earlier_runs_is_told_and_stops_nothing(
    small: Settings, postgres: psycopg.Connection
) -> None:
    """One run, kept as if there had been five; before the next the commission becomes a thousand times as much."""
    with dg.DagsterInstance.ephemeral() as instance:
        job = pipeline_runs.defs().resolve_job_def("refresh_metrics")
        first = job.execute_in_process(run_config={"as_of": MOMENT}, instance=instance)
        for _ in range(4):
            for event in first.get_asset_materialization_events():
                instance.report_runless_asset_event(event.step_materialization_data.materialization)
        postgres.execute("update transactions set amount = amount * 1000")
        result = job.execute_in_process(run_config={"as_of": MOMENT}, raise_on_error=False, instance=instance)
    assert all(check.passed for check in first.get_asset_check_evaluations())
    assert failures(result) == {}
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert [(check.check_name, check.asset_key.path[1]) for check in failed] == [
        (anomaly_checks.HEADLINES, "agent_leaderboard")
    ]
    assert failed[0].description == "total earnings is 10,000, usual is 7 to 13"
    assert failed[0].severity is dg.AssetCheckSeverity.WARN
