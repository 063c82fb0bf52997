"""The command `si`: its help, its refusals, and what it lets through to a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer

from si_analytics import settings
from si_analytics.cli import app, data, output, results
from si_analytics.errors import AnalyticsError
from si_analytics.reports import export
from si_analytics.settings import Settings
from tests.support.commands import Si


def commands(at: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group below `si`, with its words."""
    at = at or typer.main.get_command(app.app)
    for name, command in getattr(at, "commands", {}).items():
        yield (*path, name), command
        yield from commands(command, (*path, name))


@pytest.mark.parametrize("words", [words for words, _ in commands()], ids=" ".join)
def test_help_says_what_a_command_and_each_of_its_options_does(words: tuple[str, ...], si: Si) -> None:
    command = dict(commands())[words]
    done = si()(*words, "--help")
    assert done.code == 0
    assert done.out.startswith(f"Usage: si {' '.join(words)} ")
    assert command.help
    assert command.help.splitlines()[0].endswith(".")
    for parameter in command.params:
        assert parameter.name == "json" or len(parameter.help or "") > 10, parameter.name
    assert max(map(len, done.out.splitlines())) <= 100
    assert "[/" not in done.out


def test_the_commands_are_those_that_people_rely_on() -> None:
    assert {" ".join(words) for words, command in commands() if not getattr(command, "commands", None)} == {
        *("db start", "db stop", "db status", "db url", "schema apply", "schema diff", "sample", "load", "refresh"),
        *(
            "history backfill",
            "schema roles",
            "schema slot",
            "schema sql",
            "measure",
            "metric",
            "explain",
            "diff",
            "watch",
            "export dashboard",
            "export tables",
            "ui",
            "lab",
            "mcp",
            "doctor",
        ),
    }


@pytest.mark.parametrize("words", [words for words, each in commands() if not hasattr(each, "commands")], ids=" ".join)
def test_every_command_speaks_to_machines(words: tuple[str, ...]) -> None:
    assert "--json" in {option for parameter in dict(commands())[words].params for option in parameter.opts}


def test_the_commands_are_listed_in_the_order_they_are_needed(si: Si) -> None:
    lines = si()("--help").out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "] == list(app._ORDER)


def test_the_version_is_that_of_the_package(si: Si) -> None:
    from importlib.metadata import version

    assert si()("--version").out == f"si_analytics {version('si_analytics')}\n"


def test_the_formats_of_tables_are_those_of_the_library() -> None:
    assert [one.value for one in results.TableFormat] == [one.value for one in export.TableFormat]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-command"], "No such command"),
        (["refresh", "--no-such-option"], "No such option"),
        (["sample", "--scale", "big"], "Invalid value for '--scale'"),
        (["sample", "--scale", "nan"], "is not above 0"),
        (["sample", "--scale", "-1"], "is not above 0"),
        (["sample", "--seed", "-1"], "is not between 0 and"),
        (["load"], "Missing argument"),
        (["db", "start", "--port", "70000"], "'--port'"),
        (["metric"], "no metric was named"),
        (["metric", "invite", "--format", "pdf"], "'--format'"),
        (["metric", "invite", "--format", "csv", "--json"], "--json asks for JSON"),
        (["refresh", "--as-of", "someday"], "--as-of 'someday': it is no date or time"),
        (["refresh", "--as-of", "2026-06-01T00:00:00"], "has no time zone"),
        (["export", "tables", "--format", "docx"], "'--format'"),
    ],
)
def test_wrong_usage_is_told_and_exits_with_2(si: Si, words: list[str], said: str) -> None:
    done = si()(*words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("yesterday", "2026-06-01T22:00"),
        ("Today", "2026-06-02T22:00"),
        ("wtd", "2026-05-30T22:00"),
        ("qtd", "2026-04-30T22:00"),
        ("May 2026", "2026-04-30T22:00"),
        ("36h", "2026-06-01T21:30"),
        ("2026-06-01T09:00:00Z", "2026-06-01T09:00"),
    ],
)
def test_the_moment_a_refresh_describes_may_be_typed_in_words_that_count_from_now(typed: str, moment: str) -> None:
    """Wednesday 3 June at 11:30 in Berlin; weeks begin on Sunday there, fiscal years in February."""
    berlin = settings.load(timezone="Europe/Berlin", week_start="sunday", fiscal_year_start="february")
    now = datetime(2026, 6, 3, 9, 30, tzinfo=UTC)
    assert data.meant(typed, berlin, now) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


def test_a_group_without_a_command_shows_what_there_is(si: Si) -> None:
    done = si()("db")
    assert done.code == 2
    assert "status" in done.out + done.err


@pytest.mark.parametrize("setting", [("SI_CURRENCY", "us dollars"), ("SI_TIMEZONE", "Berlin")])
def test_an_unusable_setting_is_wrong_usage(si: Si, monkeypatch: pytest.MonkeyPatch, setting: tuple[str, str]) -> None:
    monkeypatch.setenv(*setting)
    done = si()("doctor")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: the setting {setting[0]}: '{setting[1]}' is not")


def test_an_error_is_one_sentence_and_exits_with_1(si: Si) -> None:
    done = si()("metric", "agent_leaderboard")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: opening the warehouse ")
    assert done.err.endswith("there is none yet. Fill it first: si refresh\n")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("words", [["--debug", "metric", "invite"], ["metric", "invite", "--debug"]])
def test_debug_shows_the_traceback_before_or_after_the_command(si: Si, words: list[str]) -> None:
    done = si()(*words)
    assert done.code == 1
    assert "Traceback (most recent call last)" in done.err
    assert done.err.splitlines()[-1].startswith("error: opening the warehouse ")


def test_what_nobody_foresaw_is_one_sentence_that_says_how_to_see_more(si: Si, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("postgresql://ana:hunter2@db/shop\nsecond line")

    monkeypatch.setattr(settings, "load", broken)
    done = si()("doctor")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: `si doctor` failed in a way nobody foresaw: KeyError: ")
    assert "See where: add --debug" in done.err
    assert "hunter2" not in done.err
    assert done.err.count("\n") == 1
    assert "Traceback" in si()("doctor", "--debug").err


def test_an_unreachable_server_is_one_sentence_for_every_command_that_needs_it(si: Si, tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("id\n")
    using = Settings(_env_file=None, postgres_url="postgresql://ana:hunter2@127.0.0.1:1/shop", home=tmp_path)  # type: ignore[call-arg, arg-type]
    for words in (
        ("schema", "apply"),
        ("schema", "diff"),
        ("sample", "--scale", "0.02"),
        ("load", str(tmp_path)),
        ("refresh",),
    ):
        done = si(using)(*words)
        assert (done.code, done.out) == (1, ""), words
        assert done.err.startswith("error: connecting to postgresql://ana@127.0.0.1:1/shop: ")
        assert "hunter2" not in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["users.csv", "warehouse.duckdb.lock"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[bold red]Bo[/]", "[bold red]Bo[/]"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\x00b\rc\td\ne", "a\\x00b\\rc\\td\\ne"),
        ("abc\u202edef\u2066", "abc\\u202edef\\u2066"),
        ("\u2028\u2029\x85\x9b", "\\u2028\\u2029\\x85\\x9b"),
        ("\udcff", "\\udcff"),
        ("Zoë 测试 👩‍👩‍👧 ﷽", "Zoë 测试 👩‍👩‍👧 ﷽"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(text: str, shown: str) -> None:
    assert output.safe(text) == shown


def test_names_with_odd_characters_are_shown_in_line_and_never_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("测试", 1), ("[red]x[/red]\x1b[31m", Decimal("0E-7")), (None, None)]
    output.table(("name", "sum"), rows, ("sum",))
    assert capsys.readouterr().out.splitlines() == [
        f"name{'':24}sum",
        f"测试{'':26}1",
        "[red]x[/red]\\x1b[31m  0.0000000",
        f"–{'':29}–",
    ]


def test_json_knows_no_number_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    output.as_json({"nan": float("nan"), "inf": [float("inf"), -float("inf")], "half": 0.5, "name": "Zoë\x1b"})
    assert capsys.readouterr().out == (
        '{\n  "nan": null,\n  "inf": [\n    null,\n    null\n  ],\n  "half": 0.5,\n  "name": "Zoë\\u001b"\n}\n'
    )


def test_a_value_without_a_text_form_is_refused_rather_than_guessed() -> None:
    with pytest.raises(TypeError, match="bytes has no text form"):
        output.as_json({"secret": b"x"})


def test_every_error_class_has_an_exit_code_of_the_contract() -> None:
    def below(kind: type[AnalyticsError]) -> Iterator[type[AnalyticsError]]:
        yield kind
        for each in kind.__subclasses__():
            yield from below(each)

    assert {kind.exit_code for kind in below(AnalyticsError)} == {1, 2}
