"""The command `si` as people and scripts run it: a process of its own, its output and its exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

AS_OF = "2026-06-01T00:00:00Z"


class Desk:
    """A person's machine: a home of its own and a database."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SI_")},
            "SI_HOME": str(home / ".si"),
            "SI_POSTGRES_URL": url,
        }

    def si(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "si_analytics", *arguments],
            cwd=self.home,
            env={**self.environment, **settings},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def done(self, *arguments: str) -> str:
        finished = self.si(*arguments)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    def refused(self, code: int, *arguments: str, **settings: str) -> str:
        """The one sentence that a command fails with; no traceback, nothing on standard output."""
        finished = self.si(*arguments, **settings)
        assert finished.returncode == code, (finished.stdout, finished.stderr)
        assert "Traceback" not in finished.stderr
        return finished.stderr


@pytest.fixture(scope="module")
def desk(create_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk on a database with a small sample, refreshed through the command line."""
    desk = Desk(tmp_path_factory.mktemp("desk"), create_database())
    desk.done("schema", "apply")
    desk.done("sample", "--scale", "0.02", "--seed", "5")
    desk.done("refresh", "--as-of", AS_OF)
    return desk


def test_building_sampling_and_refreshing_again_changes_nothing(desk: Desk) -> None:
    assert "nothing to do" in desk.done("schema", "apply")
    assert "nothing to do" in desk.done("sample", "--scale", "0.02", "--seed", "5")
    assert json.loads(desk.done("refresh", "--as-of", AS_OF, "--json"))["rows_written"] == 0


def test_a_metric_prints_as_csv_and_json_with_the_same_cells(desk: Desk) -> None:
    printed = list(csv.DictReader(io.StringIO(desk.done("metric", "agent_leaderboard", "--format", "csv"))))
    documented = json.loads(desk.done("metric", "agent_leaderboard", "--json"))
    assert [row["rank"] for row in printed] == [str(row["rank"]) for row in documented]
    assert [row["total_earnings"] for row in printed] == [row["total_earnings"] for row in documented]
    assert printed[0]["rank"] == "1"


def test_a_funnel_prints_broken_down_and_bounded(desk: Desk) -> None:
    rows = json.loads(desk.done("metric", "invite", "--by", "method", "--within", "14d", "--json"))
    assert {row["breakdown"] for row in rows} == {"method"}
    assert {row["stage"] for row in rows} >= {"sent", "completed_deal"}


def test_every_metric_and_funnel_is_listed(desk: Desk) -> None:
    listed = {row["name"] for row in json.loads(desk.done("metric", "--list", "--json"))}
    assert {"agent_leaderboard", "brand_reputations", "invite", "escrow"} <= listed


def test_exports_are_written_where_they_are_asked_for(desk: Desk, tmp_path: Path) -> None:
    desk.done("export", "dashboard", "--out", str(tmp_path / "a page.html"))
    assert (tmp_path / "a page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    desk.done("export", "tables", "--out", str(tmp_path / "tables"), "--format", "parquet")
    assert (tmp_path / "tables" / "agent_leaderboard.parquet").is_file()


def test_the_live_schema_is_found_as_declared_and_a_missing_index_is_told(
    create_database: Callable[..., str], schema_template: str, tmp_path: Path
) -> None:
    import psycopg

    url = create_database(schema_template)
    desk = Desk(tmp_path, url)
    desk.done("schema", "diff")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("drop index idx_deals_status")
    differing = desk.si("schema", "diff")
    assert differing.returncode == 1
    assert "idx_deals_status" in differing.stdout


def test_the_doctor_finds_all_well_and_shows_where_settings_come_from(desk: Desk) -> None:
    findings = {one["what"]: one for one in json.loads(desk.done("doctor", "--json"))}
    assert {one["verdict"] for one in findings.values()} <= {"ok", "note"}, findings
    assert "environment" in findings["SI_HOME"]["found"]
    assert "default" in findings["SI_CURRENCY"]["found"]


def test_mistakes_are_one_sentence_and_exit_2(desk: Desk) -> None:
    assert "Did you mean 'agent_leaderboard'" in desk.refused(2, "metric", "agent_leaderbord")
    assert "Did you mean 'method'" in desk.refused(2, "metric", "invite", "--by", "methods")
    assert "time zone" in desk.refused(
        2, "metric", "agent_leaderboard", "--since", "2026-01-01", "--tz", "Nowhere/Land"
    )
    assert "--as-of" in desk.refused(2, "refresh", "--as-of", "yesterday-ish")
    assert "SI_TIMEZONE" in desk.refused(2, "refresh", SI_TIMEZONE="Mars/Phobos")


def test_failures_are_one_sentence_and_exit_1(desk: Desk, tmp_path: Path) -> None:
    unreachable = "postgresql://someone:hidden-word@127.0.0.1:1/nowhere"
    told = desk.refused(1, "refresh", SI_POSTGRES_URL=unreachable)
    assert "127.0.0.1:1/nowhere" in told
    assert "hidden-word" not in told
    assert "si refresh" in desk.refused(1, "metric", "agent_leaderboard", SI_HOME=str(tmp_path / "empty"))
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "deals.csv").write_text("id,amount\nnot-an-id,5\n")
    assert "deals.csv" in desk.refused(1, "load", str(tmp_path / "dump"))


def test_a_sample_beside_other_rows_is_refused(desk: Desk) -> None:
    assert "sample" in desk.refused(1, "sample", "--scale", "0.03", "--seed", "6")


def test_every_command_explains_itself(desk: Desk) -> None:
    for command in ("db", "schema", "sample", "load", "refresh", "metric", "export", "ui", "lab", "doctor"):
        assert "Usage" in desk.done(command, "--help")
