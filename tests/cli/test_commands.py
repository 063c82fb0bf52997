"""The command `si` from an empty database to numbers: what it prints for people, for machines and into files."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings
from tests.support.commands import AS_OF, Si


def test_the_way_from_an_empty_database_to_published_numbers(si: Si, empty_settings: Settings, tmp_path: Path) -> None:
    command = si(empty_settings)
    differing = command("schema", "diff")
    assert differing.code == 1
    assert "missing" in differing.out
    built = command("schema", "apply")
    assert (built.code, built.err) == (0, "")
    assert built.out.startswith("Created ")
    assert "47 tables" in built.out
    assert "137 indexes" in built.out
    assert command("schema", "apply").out == "The schema stands already; nothing to do\n"
    assert command("schema", "diff").out == "The live database holds the declared schema\n"
    filled = command("sample", "--scale", "0.02")
    assert filled.code == 0
    assert filled.out.startswith("Loaded ")
    assert "transactions" in filled.err
    assert command("sample", "--scale", "0.02").out.endswith("is already there; nothing to do\n")
    refreshed = command("refresh", "--as-of", AS_OF)
    assert refreshed.code == 0
    for phase in ("extract", "fact", "compute", "check", "publish"):
        assert phase in refreshed.err
    assert "What the checks found in the data:" in refreshed.out
    assert f"Refreshed as of {AS_OF.replace('Z', '+00:00')}: " in refreshed.out
    again = command("refresh", "--as-of", AS_OF, "--full")
    assert "+00:00: 0 rows written to Postgres" in again.out
    shown = command("export", "dashboard")
    assert shown.out == f"Wrote {empty_settings.home}/exports/dashboard.html\n"


def test_the_same_way_for_machines(si: Si, empty_settings: Settings) -> None:
    command = si(empty_settings)
    assert {one["status"] for one in command("schema", "diff", "--json").document} == {"missing"}
    assert len(command("schema", "apply", "--json").document["created"]["table"]) == 47
    assert command("schema", "diff", "--json").document == []
    made = command("sample", "--scale", "0.02", "--json")
    assert made.err == ""
    assert (made.document["scale"], made.document["already_there"]) == ("0.02", False)
    assert made.document["rows"]["users"] == 40
    refreshed = command("refresh", "--as-of", AS_OF, "--json")
    assert refreshed.err == ""
    document = refreshed.document
    assert document["as_of"] == "2026-06-01T00:00:00+00:00"
    assert document["rows_written"] == sum(document["changed"].values()) > 0
    assert {"table", "rows", "seconds", "money"} <= document["extracts"][0].keys()
    assert document["metrics"]["user_ratings"] == document["facts"]["dimensions.user"] == 40
    assert {check["severity"] for check in document["checks"]} == {"blocking", "warning"}
    assert command("refresh", "--as-of", AS_OF, "--json").document["rows_written"] == 0


def test_a_sample_beside_other_rows_is_refused(si: Si, shop: Settings) -> None:
    refused = si(shop)("sample", "--scale", "0.03", "--seed", "6")
    assert (refused.code, refused.out) == (1, "")
    assert "sample" in refused.err


def test_files_of_people_are_loaded_and_what_is_none_is_named(si: Si, settings: Settings, tmp_path: Path) -> None:
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    (dumps / "users.csv").write_text(
        "id,email,password_hash,name,role\n"
        "00000000-0000-0000-0000-000000000001,a@x.example,x,Zoë,agent\n"
        "00000000-0000-0000-0000-000000000002,b@x.example,x,[red]Bo[/red],sponsor\n"
    )
    (dumps / "notes.txt").write_text("hello")
    done = si(settings)("load", str(dumps))
    assert (done.code, done.out[:31]) == (0, "Loaded 2 rows into 1 table in 0"), done.err
    assert done.err.splitlines()[-1] == "Left aside, being neither CSV nor Parquet: notes.txt"
    (dumps / "users.csv").write_text("id\nnot-an-id\n")
    refused = si(settings)("load", str(dumps), "--json")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("error: ")


def test_a_refresh_of_an_empty_database_says_how_to_build_it_and_leaves_no_file(
    si: Si, empty_settings: Settings
) -> None:
    done = si(empty_settings)("refresh")
    assert (done.code, done.out) == (1, "")
    assert done.err.endswith("Build them first: si schema apply\n")
    assert [path.name for path in empty_settings.home.iterdir()] == ["warehouse.duckdb.lock"]


def test_every_metric_and_funnel_is_listed(si: Si, shop: Settings) -> None:
    listed = si(shop)("metric", "--list")
    names = [line.split()[0] for line in listed.out.splitlines()]
    assert {"agent_leaderboard", "marketplace_monthly", "invite", "escrow"} <= set(names)
    document = si(shop)("metric", "--list", "--json").document
    assert [one["name"] for one in document] == names[1:]


def test_a_metric_in_json_has_exact_money_as_text(si: Si, shop: Settings) -> None:
    document = si(shop)("metric", "agent_leaderboard", "--json").document
    with query_warehouse.connect(shop) as warehouse:
        frame = warehouse.agent_leaderboard()
    assert [row["agent_id"] for row in document] == frame["agent_id"].to_list()
    assert [Decimal(row["total_earnings"]) for row in document] == frame["total_earnings"].to_list()
    assert all(isinstance(row["total_earnings"], str) for row in document)
    assert si(shop)("metric", "agent_leaderboard", "--format", "json").document == document


def test_a_metric_in_csv_is_read_back_as_it_was(si: Si, shop: Settings) -> None:
    done = si(shop)("metric", "agent_performance_metrics", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    with query_warehouse.connect(shop) as warehouse:
        frame = warehouse.agent_performance_metrics()
    assert list(rows[0]) == frame.columns
    assert [Decimal(row["performance_score"]) for row in rows] == frame["performance_score"].to_list()
    assert datetime.fromisoformat(rows[0]["last_calculated_at"]) == frame["last_calculated_at"][0]
    assert [row["average_conversion_time"] or None for row in rows] == [
        None if value is None else f"{value:f}" for value in frame["average_conversion_time"]
    ]


def test_a_metric_in_parquet_goes_through_a_pipe_unchanged(si: Si, shop: Settings) -> None:
    process = si(shop).started("metric", "brand_reputations", "--format", "parquet", stdout=-1)
    written, _ = process.communicate(timeout=60)
    with query_warehouse.connect(shop) as warehouse:
        assert pl.read_parquet(io.BytesIO(written)).equals(warehouse.brand_reputations())


def test_a_table_has_one_line_a_row_and_nothing_cut_off_where_nobody_looks(si: Si, shop: Settings) -> None:
    done = si(shop)("metric", "agent_leaderboard")
    with query_warehouse.connect(shop) as warehouse:
        frame = warehouse.agent_leaderboard()
    lines = done.out.splitlines()
    assert len(lines) == frame.height + 1
    assert lines[0].split() == frame.columns
    for line, row in zip(lines[1:], frame.iter_rows(named=True), strict=True):
        assert line.startswith(row["agent_id"])
        assert row["agent_name"] in line
        assert f"{row['total_earnings']:f}" in line.split()
        assert line.endswith("–"), "null is shown, and not as zero"


def test_a_funnel_takes_a_breakdown_a_bound_and_a_window(si: Si, shop: Settings) -> None:
    words = (
        "--by",
        "method",
        "--within",
        "14d",
        "--since",
        "2026-01-01",
        "--until",
        "2026-03-01",
        "--tz",
        "Asia/Tokyo",
    )
    document = si(shop)("metric", "invite", *words, "--json").document
    with query_warehouse.connect(shop) as warehouse:
        frame = warehouse.funnel(
            "invite", by="method", within="14d", since="2026-01-01", until="2026-03-01", tz="Asia/Tokyo"
        )
    assert [(row["breakdown_value"], row["stage"], row["reached"]) for row in document] == [
        (row["breakdown_value"], row["stage"], row["reached"]) for row in frame.iter_rows(named=True)
    ]
    assert {row["breakdown"] for row in document} == {"method"}


def test_a_board_takes_an_order_a_filter_a_span_a_currency_and_a_moment(si: Si, shop: Settings) -> None:
    words = ("--by", "deals", "--tier", "gold", "--tier", "bronze", "--during", "2026-Q1")
    words += ("--currency", "eur", "--as-of", "2026-03", "--tz", "Asia/Tokyo")
    document = si(shop)("metric", "agent_leaderboard", *words, "--json").document
    with query_warehouse.connect(shop) as warehouse:
        frame = warehouse.agent_leaderboard(
            by="deals", tier=["gold", "bronze"], during="2026-Q1", currency="eur", as_of="2026-03", tz="Asia/Tokyo"
        )
    assert frame.height > 0
    assert [(row["agent_id"], row["rank"]) for row in document] == [
        (str(row["agent_id"]), row["rank"]) for row in frame.iter_rows(named=True)
    ]


def test_of_a_funnel_the_units_that_stopped_and_the_times_it_took_are_given(si: Si, shop: Settings) -> None:
    stopped = si(shop)("metric", "invite", "--stopped", "opened", "--within", "14d", "--json").document
    times = si(shop)("metric", "invite", "--times", "opened", "--by", "method", "--json").document
    with query_warehouse.connect(shop) as warehouse:
        assert len(stopped) == warehouse.stopped("invite", "opened", within="14d").height > 0
        assert len(times) == warehouse.time_to_convert("invite", "opened", by="method").height > 0
    assert {row["percentile"] for row in times} == set(range(101))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["agent_leaderbord"], "Did you mean 'agent_leaderboard'?"),
        (["agent_leaderboard", "--by", "month"], "There are: earnings, deals, referrals"),
        (["agent_leaderboard", "--within", ""], "--within: such options are for funnels"),
        (["agent_leaderboard", "--stopped", "sent"], "--stopped: such options are for funnels"),
        (["agent_leaderboard", "--tier", "golden"], "Did you mean 'gold'?"),
        (["brand_reputations", "--by", "deals"], "--by: such options are for funnels and agent_leaderboard"),
        (["brand_reputations", "--currency", "eur"], "it adds up no money in one"),
        (["invite", "--currency", "eur"], "--currency: such options are for metrics of money"),
        (["invite", "--tier", "gold"], "--tier: such options are for agent_leaderboard"),
        (["invite", "--times", "opened", "--stopped", "sent"], "--stopped and --times give different tables"),
        (["invite", "--stopped", ""], "There are: sent, opened"),
        (["invite", "--during", "2026-Q5"], "no calendar has it"),
        (["invite", "--during", "2026", "--since", "2026-01"], "during gives both of its ends"),
        (["agent_leaderboard", "--as-of", "2100-01-01"], "knows nothing after its refresh"),
        (["invite", "--by", "metod"], "Did you mean 'method'?"),
        (["invite", "--within", "soon"], "it is no duration"),
        (["invite", "--within", "-3d"], "it is negative"),
        (["invite", "--tz", "Mars"], "it is not an IANA name"),
        (["invite", "--since", "2027-01-01"], "ends before it begins"),
        (["invite", "--since", "2026-01-01T00:00"], "has no time zone"),
        (["user_ratings", "--since", "2026-01-01"], "it describes all time"),
    ],
)
def test_a_question_that_means_nothing_is_told_so(si: Si, shop: Settings, words: list[str], said: str) -> None:
    done = si(shop)("metric", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize(("given", "written"), [("", "dashboard.html"), ("new/place", "new/place/dashboard.html")])
def test_a_dashboard_goes_into_the_folder_that_was_named(
    si: Si, shop: Settings, tmp_path: Path, given: str, written: str
) -> None:
    done = si(shop)("export", "dashboard", "--out", str(tmp_path / given), "--json")
    assert done.document == {"written": [str(tmp_path / written)]}
    assert (tmp_path / written).read_text().startswith("<!doctype html>")


def test_a_dashboard_goes_into_the_file_that_was_named(si: Si, shop: Settings, tmp_path: Path) -> None:
    assert si(shop)("export", "dashboard", "--out", str(tmp_path / "june.html")).code == 0
    assert (tmp_path / "june.html").is_file()


def test_tables_are_written_one_file_a_metric(si: Si, shop: Settings, tmp_path: Path) -> None:
    done = si(shop)("export", "tables", "--out", str(tmp_path / "t"), "--format", "parquet")
    assert len(done.out.splitlines()) == len(list((tmp_path / "t").iterdir()))
    assert pl.read_parquet(tmp_path / "t" / "agent_leaderboard.parquet").height > 0


@pytest.mark.parametrize("more", [(), ("--json",)])
@pytest.mark.parametrize("words", [("dashboard",), ("tables",), ("tables", "--format", "parquet")], ids=" ".join)
def test_a_place_that_cannot_be_written_to_is_one_sentence(
    si: Si, shop: Settings, tmp_path: Path, words: tuple[str, ...], more: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    done = si(shop)("export", *words, *more, "--out", str(tmp_path / "file" / "below"))
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: writing ")
    assert "file/below" in done.err
    assert "Not a directory" in done.err
    assert done.err.count("\n") == 1


def test_a_file_that_cannot_be_replaced_leaves_no_half_of_one(si: Si, shop: Settings, tmp_path: Path) -> None:
    (tmp_path / "agent_leaderboard.parquet").mkdir()
    done = si(shop)("export", "tables", "--format", "parquet", "--out", str(tmp_path))
    assert (done.code, done.out) == (1, "")
    assert "agent_leaderboard.parquet: Is a directory" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["agent_leaderboard.parquet"]


@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet"])
def test_a_full_disk_behind_the_output_is_one_sentence(si: Si, shop: Settings, form: str) -> None:
    with Path("/dev/full").open("wb") as full:
        process = si(shop).started("metric", "invite", "--format", form, stdout=full, stderr=-1)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told == b"error: writing the output: No space left on device. Make room there, or send it elsewhere\n"
