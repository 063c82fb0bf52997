"""Limits of time that a role or a database has: what is not answered in time is one sentence with what helps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from si_analytics.settings import Settings
from tests.commands import Si

QUESTIONS = ("Postgres", "published", "rights", "schema")
LIMITS = ("statement_timeout", "lock_timeout", "transaction_timeout", "idle_in_transaction_session_timeout")


@pytest.fixture
def limited(settings: Settings, postgres: psycopg.Connection) -> Callable[..., Settings]:
    """A function that limits whoever comes to the database from then on."""

    def limit(name: str, value: str) -> Settings:
        if name == "transaction_timeout" and postgres.info.server_version < 170_000:
            pytest.skip("this server does not know it")
        statement = SQL("alter database {} set {} = {}")
        postgres.execute(statement.format(Identifier(postgres.info.dbname), Identifier(name), SQL(value)))  # type: ignore[arg-type]
        return settings

    return limit


def remedy(name: str) -> str:
    return f"Give this role more time: alter role ... set {name} = 0"


@pytest.mark.parametrize(("name", "value"), [("statement_timeout", "'3s'"), ("lock_timeout", "'100ms'")])
def test_doctor_answers_all_but_the_question_that_was_kept_waiting(
    si: Si, limited: Callable[..., Settings], postgres: psycopg.Connection, name: str, value: str
) -> None:
    """Somebody holds the record of publications: when something was published cannot be told, all else can."""
    current = limited(name, value)
    with postgres.transaction():
        postgres.execute("lock table analytics.refreshes in access exclusive mode")
        done = si(current)("doctor", "--json")
    assert (done.code, done.err) == (1, "")
    found = {one["what"]: one for one in done.document}
    assert found["published"]["verdict"] == "WRONG"
    assert found["published"]["remedy"] == remedy(name)
    assert found["time limits"]["found"] == f"the server ends what this role does after {name} = {value.strip(chr(39))}"
    assert [found[what]["verdict"] for what in ("Postgres", "encoding", "rights", "schema")] == ["ok"] * 4


@pytest.mark.parametrize("value", ["1", "50"])
def test_doctor_gives_a_finding_for_each_question_however_short_the_time(
    si: Si, limited: Callable[..., Settings], value: str
) -> None:
    done = si(limited("statement_timeout", value))("doctor", "--json")
    assert done.err == ""
    found = {one["what"]: one for one in done.document}
    assert set(QUESTIONS) <= set(found)
    late = [one for one in found.values() if "statement timeout" in one["found"] and one["what"] != "time limits"]
    assert all(one["remedy"] == remedy("statement_timeout") for one in late)
    if value == "1":
        assert "schema" in {one["what"] for one in late}


COMMANDS = (
    *(["schema", "apply"], ["schema", "diff"], ["sample", "--scale", "0.02"], ["load", "files"]),
    *(["refresh"], ["refresh", "--dry-run"], ["watch"], ["watch", "--refresh"], ["doctor"], ["schema", "roles"]),
)
HELD = {
    "load": "lock table public.users in access exclusive mode",
    "refresh": "lock table public.deals in access exclusive mode",
    "sample": "lock table public.users in access exclusive mode",
    "watch": "lock table analytics.refreshes in access exclusive mode",
    "doctor": "lock table analytics.refreshes in access exclusive mode",
    "schema": "lock table public.deals in access exclusive mode; lock table pg_publication in access exclusive mode",
}
"""What a command comes upon, sooner or later."""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("name", LIMITS)
def test_a_command_that_is_ended_says_in_one_sentence_what_helps(
    si: Si,
    limited: Callable[..., Settings],
    postgres: psycopg.Connection,
    tmp_path: Path,
    name: str,
    command: list[str],
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "users.csv").write_text("name,role,email,password_hash\nAna,agent,a@example.com,x\n")
    current = limited(name, "'300ms'")
    with postgres.transaction():
        postgres.execute(HELD[command[0]])  # type: ignore[call-overload]
        done = si(current)(*command)
    print(done)
    told = " ".join((done.out + done.err).split())
    assert done.code == 1
    assert "nobody foresaw" not in told
