"""Rows that cannot be loaded: one sentence each, with line and column, without the value, and no trace."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from si_analytics import schema
from si_analytics.errors import LoadError, ServerError
from si_analytics.load import load
from si_analytics.settings import Settings
from tests.support.dumps import ANN, BOB, GIG, GIGS, USERS, rows, write
from tests.support.outside import OutsideServer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "a dump"
    made.mkdir()
    return made


@pytest.fixture
def attempt(settings: Settings, folder: Path, postgres: psycopg.Connection[Any]) -> Callable[..., str]:
    """A function that writes files, loads them, and returns the sentence of the refusal.

    Proves on the way that it is one sentence, repeats no personal value, and that nothing was loaded.
    """

    def refused(**files: str | bytes) -> str:
        write(folder, **files)
        with pytest.raises(LoadError) as caught:
            load(settings, folder)
        sentence = str(caught.value)
        assert "\n" not in sentence
        assert not re.search(r"\bann\b|secret", sentence, re.IGNORECASE), sentence
        assert caught.value.__cause__ is None or "secret" not in str(caught.value.__cause__).lower()
        for table in ("users", "gigs", "influencer_profiles", "conversations"):
            assert postgres.execute(f"select count(*) from {table}").fetchone() == (0,)
        return sentence

    return refused


def test_a_row_with_too_few_values_is_refused_by_line(attempt: Callable[..., str]) -> None:
    sentence = attempt(users_csv=USERS + f"{GIG},secret\n")
    expected = "line 4: the row is malformed (2 values for 5 columns: password_hash is the first without)"
    assert f"loading users.csv: {expected}" in sentence


def test_a_row_with_too_many_values_is_refused_by_line(attempt: Callable[..., str]) -> None:
    assert "line 4: the row is malformed (6 values for 5 columns)" in attempt(
        users_csv=USERS + f"{GIG},e,x,Secret,agent,more\n"
    )


def test_an_open_quote_is_refused(attempt: Callable[..., str]) -> None:
    assert "line 4: a quote is opened there and never closed" in attempt(users_csv=USERS + f'{GIG},"secret')


def test_a_line_break_in_quotes_does_not_mislead_the_line_number(attempt: Callable[..., str]) -> None:
    """Line 2 runs on to line 3; the bad role stands in line 4."""
    content = f'id,email,password_hash,name,role\n{ANN},a,x,"A\nnn",agent\n{BOB},b,x,{"Secret" * 50},agent\n'
    assert "line 4, column name: a text of 300 characters is too long for character varying(255)" in attempt(
        users_csv=content
    )


@pytest.mark.parametrize(
    ("column", "value", "found"),
    [
        ("id", "secret", "it is not a value that fits uuid, and it looks like 'aaaaaa'"),
        ("created_at", "secret", "a value like 'aaaaaa' is no time"),
        ("last_login_at", "01/02/2024", "a value like '99/99/9999' does not begin with the year"),
        ("created_at", "2024-02-30T00:00Z", "'2024-02-30T00:00Z' is no time"),
        ("rating", "99.9", "'99.9' is too large for numeric(2,1)"),
        ("rating", "+49 170 555 01 99", "a value like '+99 999 999 99 99' is no number for numeric(2,1)"),
        ("rating", "secret@example.org", "a value like 'aaaaaa@aaaaaaa.aaa' is no number for numeric(2,1)"),
        ("review_count", "1.5", "'1.5' is not a whole number, as integer keeps it"),
        ("review_count", "2147483648", "a value like '9999999999' is too large for integer"),
        ("is_active", "secret", "a value like 'aaaaaa' is neither true nor false, which boolean needs"),
        ("referral_code", "secret" * 4, "a text of 24 characters is too long for character varying(20)"),
        ("referral_code", "secret" + " " * 15, "a text of 21 characters is too long for character varying(20)"),
    ],
)
def test_a_bad_value_is_refused_by_line_and_column_and_a_personal_one_not_repeated(
    attempt: Callable[..., str], column: str, value: str, found: str
) -> None:
    content = f"email,password_hash,name,role,{column}\na,x,A,agent,\nb,x,B,agent,{value}\n"
    if column == "id":
        content = content.replace("agent,\n", f"agent,{ANN}\n")
    assert f"loading users.csv: line 3, column {column}: {found}. " in attempt(users_csv=content)


def test_a_bad_array_or_json_is_refused_by_line_and_column(attempt: Callable[..., str]) -> None:
    sentence = attempt(users_csv=USERS, conversations_csv="participants\nsecret\n")
    assert "loading conversations.csv: line 2, column participants: it is not a value that fits uuid[]" in sentence
    profile = f"user_id,categories,platforms\n{BOB},{{}},secret\n"
    sentence = attempt(users_csv=USERS, conversations_csv="participants\n", influencer_profiles_csv=profile)
    assert "line 2, column platforms: it is not a value that fits jsonb" in sentence


def test_a_missing_value_is_refused_by_line_and_column(attempt: Callable[..., str]) -> None:
    sentence = attempt(users_csv=USERS.replace(",Bob,", ",,"))
    assert "line 3: the column name is empty, and every row needs a value there" in sentence


def test_a_value_outside_the_allowed_ones_is_refused_with_the_rule(attempt: Callable[..., str]) -> None:
    sentence = attempt(users_csv=USERS.replace("influencer", "duck"))
    assert "line 3: it breaks the rule users_role_check, CHECK" in sentence
    assert "'sponsor'" in sentence
    assert "duck" not in sentence


def test_a_rule_over_two_columns_is_told(attempt: Callable[..., str]) -> None:
    sentence = attempt(users_csv=USERS, gigs_csv=GIGS.replace("20.50", "5"))
    assert "loading gigs.csv: line 2: it breaks the rule valid_budget, CHECK ((budget_max >= budget_min))" in sentence


def test_a_key_twice_in_the_file_is_refused_by_line(attempt: Callable[..., str]) -> None:
    sentence = attempt(users_csv=USERS.replace("bob@", "ann@"))
    assert "loading users.csv: line 3: the value of email is there already" in sentence


def test_a_key_that_the_table_holds_already_is_refused(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    write(folder, users_csv=USERS)
    load(settings, folder)
    with pytest.raises(LoadError, match="line 2: the value of id is there already, in the table users"):
        load(settings, folder)
    assert rows(postgres, "select count(*) from users") == [(2,)]


def test_a_key_of_two_columns_is_named_whole(attempt: Callable[..., str]) -> None:
    line = f"{GIG},{BOB}\n"
    sentence = attempt(users_csv=USERS, gigs_csv=GIGS, gig_applications_csv="gig_id,influencer_id\n" + line + line)
    assert "loading gig_applications.csv: line 3: the value of gig_id, influencer_id is there already" in sentence


def test_a_broken_foreign_key_is_refused_with_the_line_that_holds_it(attempt: Callable[..., str]) -> None:
    """The server checks keys at the end and names no line; the id is looked up in the file, capitals and all."""
    line = f"{BOB},{{{GIG.upper()}}},Run,Run,1,2,{{}},{{}}\n"
    sentence = attempt(users_csv=USERS, gigs_csv=GIGS + line)
    expected = (
        "loading gigs.csv: line 3: sponsor_id names a row that the table users does not hold. Correct it, or load"
    )
    assert expected in sentence


def test_a_broken_reference_within_the_table_is_refused(attempt: Callable[..., str]) -> None:
    content = f"id,email,password_hash,name,role,referred_by\n{ANN},a,x,A,agent,\n{BOB},b,x,B,agent,{GIG}\n"
    assert "line 3: referred_by names a row that the table users does not hold" in attempt(users_csv=content)


def test_nul_bytes_are_refused_by_line(attempt: Callable[..., str]) -> None:
    assert "line 3 holds a NUL byte" in attempt(users_csv=USERS.replace("Bob", "B\0b"))


def test_bytes_that_are_not_utf_8_are_refused_by_line(attempt: Callable[..., str]) -> None:
    assert "line 3 holds bytes that are not UTF-8" in attempt(users_csv=USERS.replace("Bob", "Böb").encode("latin-1"))


def test_a_letter_cut_off_at_the_end_is_refused(attempt: Callable[..., str]) -> None:
    assert "line 4 holds bytes that are not UTF-8" in attempt(users_csv=USERS.encode() + b"a,b,c,\xe6\x9d")


def test_the_mark_that_ends_a_copy_is_refused_and_fine_in_quotes(
    attempt: Callable[..., str], settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    """Servers before 18 would take the bare mark for the end, and drop the rest in silence."""
    assert "line 4 is nothing but \\." in attempt(users_csv=USERS + "\\.\n" + USERS)
    write(folder, users_csv='email,password_hash,role,name\na,x,agent,"\n\\.\n"\nb,x,agent,\\.\n')
    load(settings, folder)
    assert rows(postgres, "select name from users order by email") == [("\n\\.\n",), ("\\.",)]


def test_the_mark_that_ends_a_copy_loses_nothing_on_an_older_server_either(
    outside_server: OutsideServer, make_settings: Callable[..., Settings], folder: Path
) -> None:
    role, password = outside_server.create_role()
    ours = make_settings(outside_server.url_of(outside_server.create_database(role), role, password))
    schema.apply(ours)
    write(folder, achievements_csv='id,name,requirement,category\na,"\n\\.\n",1,milestone\nb,\\.,1,milestone\n')
    assert load(ours, folder).rows == {"achievements": 2}
    write(folder, achievements_csv="id,name,requirement,category\nc,C,1,milestone\n\\.\nd,D,1,milestone\n")
    with pytest.raises(LoadError, match=r"line 3 is nothing but \\\."):
        load(ours, folder)


def test_a_later_file_that_fails_takes_the_earlier_ones_back(attempt: Callable[..., str]) -> None:
    assert "loading gigs.csv: line 2" in attempt(users_csv=USERS, gigs_csv=GIGS.replace(",10,", ",ten,"))


def test_a_trigger_of_somebody_elses_is_reported_without_its_words(
    attempt: Callable[..., str], postgres: psycopg.Connection[Any]
) -> None:
    postgres.execute(
        "create function no() returns trigger language plpgsql as $$ begin raise 'secret %', new.email; end $$"
    )
    postgres.execute("create trigger no before insert on users for each row execute function no()")
    assert "loading users.csv: Postgres refused it (SQLSTATE P0001)" in attempt(users_csv=USERS)


def test_a_session_killed_half_way_leaves_nothing(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    write(folder, users_csv=USERS, gigs_csv=GIGS)

    def kill(*_: Any) -> None:
        postgres.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )

    with pytest.raises(ServerError, match=r"loading gigs\.csv: .*nothing was loaded"):
        load(settings, folder, progress=kill)
    assert rows(postgres, "select count(*) from users") == [(0,)]


def test_a_user_who_may_not_write_is_told_so(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    write(folder, users_csv=USERS)
    postgres.execute("create role reader_of_users login")
    try:
        postgres.execute("grant select on all tables in schema public to reader_of_users")
        url = settings.postgres_url.get_secret_value().replace("postgres@", "reader_of_users@")  # type: ignore[union-attr]
        with pytest.raises(LoadError, match=r"loading users\.csv: this user may not write to the table"):
            load(Settings(_env_file=None, postgres_url=url), folder)  # type: ignore[arg-type, call-arg]
    finally:
        postgres.execute("drop owned by reader_of_users")
        postgres.execute("drop role reader_of_users")


def test_a_rule_that_is_checked_at_the_very_end_is_told(
    attempt: Callable[..., str], postgres: psycopg.Connection[Any]
) -> None:
    postgres.execute(
        "create function no() returns trigger language plpgsql as"
        " $$ begin raise 'secret %', new.title using errcode = '23514', constraint = 'late'; end $$"
    )
    postgres.execute(
        "create constraint trigger late after insert on gigs deferrable initially deferred"
        " for each row execute function no()"
    )
    sentence = attempt(users_csv=USERS, gigs_csv=GIGS)
    assert "Postgres refused it at the end (SQLSTATE 23514, rule late). See the server's log" in sentence


def test_tables_that_refer_to_each_other_in_a_circle_are_refused(
    attempt: Callable[..., str], postgres: psycopg.Connection[Any]
) -> None:
    postgres.execute("alter table users add favourite uuid references gigs")
    sentence = attempt(users_csv=USERS, gigs_csv=GIGS)
    assert "ordering the tables by their foreign keys: those of" in sentence
    assert "go round in a circle" in sentence
