"""Limits of time that a role or a database has: what is not answered in time is one sentence with what helps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from si_analytics.errors import ServerError
from si_analytics.health import server
from si_analytics.settings import Settings
from tests.support.commands import Si

QUESTIONS = ("Postgres", "published", "rights", "schema")


@pytest.fixture
def limited(settings: Settings, postgres: psycopg.Connection) -> Callable[..., Settings]:
    """A function that limits whoever comes to the database from then on."""

    def limit(name: str, value: str) -> Settings:
        statement = SQL("alter database {} set {} = {}")
        postgres.execute(statement.format(Identifier(postgres.info.dbname), Identifier(name), SQL(value)))  # type: ignore[arg-type]
        return settings

    return limit


def remedy(name: str) -> str:
    return f"Give this role more time: alter role ... set {name} = 0"


def test_doctor_answers_all_but_the_questions_that_were_kept_waiting(
    si: Si, limited: Callable[..., Settings], postgres: psycopg.Connection
) -> None:
    """Somebody holds the record of publications: what concerns that table cannot be told, all else can."""
    current = limited("statement_timeout", "'2s'")
    with postgres.transaction():
        postgres.execute("lock table analytics.refreshes in access exclusive mode")
        done = si(current)("doctor", "--json")
    assert (done.code, done.err) == (1, "")
    found = {one["what"]: one for one in done.document}
    assert found["published"]["verdict"] == found["schema"]["verdict"] == "WRONG"
    assert found["published"]["remedy"] == remedy("statement_timeout")
    assert found["schema"]["remedy"] == f"Nothing was changed. {remedy('statement_timeout')}"
    assert found["time limits"]["found"] == "the server ends what this role does after statement_timeout = 2s"
    assert [found[what]["verdict"] for what in ("Postgres", "encoding", "rights")] == ["ok"] * 3


def test_a_question_that_may_not_wait_for_a_lock_is_a_finding(
    limited: Callable[..., Settings], postgres: psycopg.Connection
) -> None:
    current = limited("lock_timeout", "'100ms'")
    now = datetime.now(UTC)
    with postgres.transaction(), pytest.raises(ServerError) as caught:
        postgres.execute("lock table analytics.refreshes in access exclusive mode")
        server.published(current, now, timedelta(hours=36))
    assert caught.value.remedy == remedy("lock_timeout")
    told = {one.what: one.found for one in server.look(current, now)}
    assert told["time limits"] == "the server ends what this role does after lock_timeout = 100ms"


@pytest.mark.parametrize("value", ["1", "50"])
def test_doctor_gives_a_finding_for_each_question_however_short_the_time(
    si: Si, limited: Callable[..., Settings], value: str
) -> None:
    done = si(limited("statement_timeout", value))("doctor", "--json")
    assert done.err == ""
    found = {one["what"]: one for one in done.document}
    assert set(QUESTIONS) <= set(found)
    late = {what: found[what] for what in QUESTIONS if "canceling statement" in found[what]["found"]}
    assert all(one["remedy"].endswith(remedy("statement_timeout")) for one in late.values())
    assert "schema" in late or value != "1"


COMMANDS = (
    *(["schema", "apply"], ["schema", "diff"], ["schema", "roles"], ["sample", "--scale", "0.02"], ["load", "files"]),
    *(["refresh"], ["refresh", "--dry-run"], ["doctor"]),
)


@pytest.fixture
def files(tmp_path: Path) -> None:
    """A user to be loaded."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "users.csv").write_text("name,role,email,password_hash\nAna,agent,a@example.com,x\n")


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_that_is_ended_says_in_one_sentence_what_helps(
    si: Si, limited: Callable[..., Settings], command: list[str]
) -> None:
    done = si(limited("statement_timeout", "1"))(*command)
    assert done.code == 1
    assert remedy("statement_timeout") in " ".join((done.out + done.err).split())
    assert done.err.count("\n") == (0 if command == ["doctor"] else 1)


@pytest.mark.parametrize("command", [["schema", "diff"], ["sample"], ["doctor"]], ids=" ".join)
@pytest.mark.parametrize("name", ["transaction_timeout", "idle_in_transaction_session_timeout"])
def test_a_session_that_is_ended_is_one_sentence(
    si: Si, limited: Callable[..., Settings], postgres: psycopg.Connection, name: str, command: list[str]
) -> None:
    """The server's last word is lost, now and then, where it ends a session at such a moment."""
    if name == "transaction_timeout" and postgres.info.server_version < 170_000:
        with pytest.raises(psycopg.errors.UndefinedObject):  # PostgreSQL 17 is the first to have it
            limited(name, "5")
        return
    done = si(limited(name, "5"))(*command)
    told = " ".join((done.out + done.err).split())
    assert "nobody foresaw" not in told
    if name == "idle_in_transaction_session_timeout" and done.code == 0:
        return  # whoever is never idle for that long is not ended
    assert done.code == 1
    assert remedy(name) in told or "closed the connection unexpectedly" in told or "connection is lost" in told


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("command", "table"),
    [(["load", "files"], "public.users"), (["watch"], "analytics.refreshes")],
    ids=["load", "watch"],
)
def test_a_command_that_may_not_wait_for_a_lock_says_in_one_sentence_what_helps(
    si: Si,
    limited: Callable[..., Settings],
    postgres: psycopg.Connection,
    command: list[str],
    table: str,
) -> None:
    current = limited("lock_timeout", "'100ms'")
    with postgres.transaction():
        postgres.execute(f"lock table {table} in access exclusive mode")  # type: ignore[call-overload]
        done = si(current)(*command)
    told = " ".join((done.out + done.err).split())
    assert done.code == 1
    assert remedy("lock_timeout") in told
