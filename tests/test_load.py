"""People's own files: what goes in, and what is refused in one sentence without leaving a trace."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

from si_analytics import schema
from si_analytics.errors import LoadError, SchemaError, ServerError
from si_analytics.load import LoadReport, load
from si_analytics.settings import Settings
from tests.outside import OutsideServer

ANN = "00000000-0000-4000-8000-00000000000a"
BOB = "00000000-0000-4000-8000-00000000000b"
GIG = "00000000-0000-4000-8000-0000000000c1"
USERS = f"""id,email,password_hash,name,role
{ANN},ann@example.com,x,Ann,sponsor
{BOB},bob@example.com,x,Bob,influencer
"""
GIGS = f"""id,sponsor_id,title,description,budget_min,budget_max,categories,influencer_types
{GIG},{ANN},Run,Run far,10,20.50,{{}},"{{athlete,""ex, pro""}}"
"""


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


def write(folder: Path, **files: str | bytes) -> None:
    """Files by name; `users_csv` becomes users.csv."""
    for name, content in files.items():
        stem, _, form = name.rpartition("_")
        (folder / f"{stem}.{form}").write_bytes(content.encode() if isinstance(content, str) else content)


def rows(connection: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


# --- what goes in --------------------------------------------------------------------------------


def test_files_go_in_by_foreign_key_whatever_their_names_order(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    """gigs.csv comes before users.csv in the folder, and its row refers to one of theirs."""
    write(folder, users_csv=USERS, gigs_csv=GIGS)
    told: list[tuple[str, str, int]] = []
    report = load(settings, folder, progress=lambda phase, name, number, _: told.append((phase, name, number)))
    assert report.rows == {"users": 2, "gigs": 1}
    assert told == [("load", "users", 2), ("load", "gigs", 1)]
    found = rows(postgres, "select title, budget_max::text, categories, influencer_types, status from gigs")
    assert found == [("Run", "20.50", [], ["athlete", "ex, pro"], "open")]


def test_columns_left_out_take_their_defaults_and_their_order_is_free(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    write(folder, users_csv="role,name,email,password_hash\nagent,Ann,ann@example.com,x\n")
    load(settings, folder)
    found = rows(postgres, "select role, is_active, rating, created_at is not null, id is not null from users")
    assert [(*row[:2], str(row[2]), *row[3:]) for row in found] == [("agent", True, "0.0", True, True)]


def test_nothing_between_commas_is_null_and_empty_quotes_are_the_empty_text(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    write(folder, users_csv=f'id,email,password_hash,name,role,avatar\n{ANN},a,"",N,agent,\n{BOB},b,x,N,agent,""\n')
    load(settings, folder)
    assert rows(postgres, "select password_hash, avatar from users order by id") == [("", None), ("x", "")]


def test_quotes_commas_line_breaks_and_any_script_arrive_as_they_are(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    name = 'O\'Hara, "Ace"\n=SUM(A1) \\N 東京 🦊'
    quoted = name.replace('"', '""')
    write(folder, users_csv=f'email,password_hash,role,name\r\na,x,agent,"{quoted}"\r\n')
    load(settings, folder)
    assert rows(postgres, "select name from users") == [(name,)]


def test_a_byte_order_mark_and_capitals_in_the_ending_are_no_trouble(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    (folder / "users.CSV").write_bytes(b"\xef\xbb\xbf" + USERS.encode())
    assert load(settings, folder).rows == {"users": 2}


def test_a_file_with_a_header_alone_is_an_empty_table(settings: Settings, folder: Path) -> None:
    write(folder, users_csv="email,password_hash,name,role")
    assert load(settings, folder).rows == {"users": 0}


def test_rows_are_appended_to_what_is_there(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    postgres.execute(
        "insert into users (id, email, password_hash, name, role) values (%s, 'a', 'x', 'A', 'agent')", [ANN]
    )
    write(folder, gigs_csv=GIGS)
    assert load(settings, folder).rows == {"gigs": 1}


def test_a_user_may_be_referred_by_one_further_down_in_the_same_file(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    """Ann was referred by Bob, and Bob by Ann: keys are checked when all rows are in."""
    write(
        folder,
        users_csv=f"id,email,password_hash,name,role,referred_by\n{ANN},a,x,A,agent,{BOB}\n{BOB},b,x,B,agent,{ANN}\n",
    )
    load(settings, folder)
    assert rows(postgres, "select count(*) from users where referred_by is not null") == [(2,)]


def test_a_time_without_a_zone_in_csv_is_utc_whatever_the_server_is_set_to(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    database = rows(postgres, "select current_database()")[0][0]
    postgres.execute(f"alter database {database} set timezone = 'Asia/Tokyo'")
    postgres.execute(f"alter database {database} set datestyle = 'German'")
    write(folder, users_csv="email,password_hash,name,role,created_at\na,x,A,agent,2025-03-01 12:00:00.000001\n")
    load(settings, folder)
    assert rows(postgres, "select extract(epoch from created_at)::text from users") == [("1740830400.000001",)]


def test_other_files_of_the_folder_are_named_in_the_report(settings: Settings, folder: Path) -> None:
    write(folder, users_csv=USERS, README_md="# dump", notes_txt="")
    (folder / ".DS_Store").write_bytes(b"\0")
    (folder / "old").mkdir()
    report = load(settings, folder)
    assert report == LoadReport({"users": 2}, report.seconds, ("README.md", "notes.txt", "old"))


def test_loaded_tables_are_analyzed(settings: Settings, folder: Path, postgres: psycopg.Connection[Any]) -> None:
    write(folder, users_csv=USERS)
    load(settings, folder)
    assert rows(postgres, "select reltuples, relpages > 0 from pg_class where relname = 'users'") == [(2.0, True)]


def test_a_csv_file_larger_than_one_chunk_arrives_whole(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    """Names of several bytes per letter lie across the chunks' edges."""
    lines = [f"u{number},x,{'東' * 200}{number},agent" for number in range(5_000)]
    write(folder, users_csv="\n".join(["email,password_hash,name,role", *lines]))
    assert load(settings, folder).rows == {"users": 5_000}
    assert rows(postgres, "select count(distinct name), sum(length(name)) from users") == [(5_000, 1_018_890)]


# --- the folder ----------------------------------------------------------------------------------


def test_a_missing_folder_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="there is no such folder"):
        load(settings, tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder_is_refused(settings: Settings, folder: Path) -> None:
    write(folder, users_csv=USERS)
    with pytest.raises(LoadError, match="it is not a folder"):
        load(settings, folder / "users.csv")


def test_a_folder_without_tables_is_refused(attempt: Callable[..., str]) -> None:
    assert "it holds no CSV or Parquet file" in attempt(README_md="")


def test_a_file_named_after_no_table_is_refused_with_the_nearest_name(attempt: Callable[..., str]) -> None:
    sentence = attempt(user_csv=USERS)
    assert "loading user.csv: there is no table user. Did you mean users.csv?" in sentence


def test_two_files_for_one_table_are_refused(attempt: Callable[..., str]) -> None:
    assert "both users.csv and users.parquet are there" in attempt(users_csv=USERS, users_parquet=b"PAR1")


@pytest.mark.parametrize("form", ["csv.gz", "json", "xlsx", "tsv"])
def test_a_table_in_another_form_is_not_passed_over_in_silence(
    attempt: Callable[..., str], folder: Path, form: str
) -> None:
    (folder / f"deals.{form}").write_bytes(b"")
    assert f"loading deals.{form}: it is named after a table, and .{form} is neither" in attempt(users_csv=USERS)


def test_a_folder_named_like_a_file_is_refused(attempt: Callable[..., str], folder: Path) -> None:
    (folder / "users.parquet").mkdir()
    assert "loading users.parquet: it is a folder" in attempt()


def test_a_database_without_the_table_is_told_what_to_do(empty_settings: Settings, folder: Path) -> None:
    write(folder, users_csv=USERS)
    with pytest.raises(SchemaError, match=r"loading users\.csv: the database has no table users\. .*si schema apply"):
        load(empty_settings, folder)


# --- the header ----------------------------------------------------------------------------------


def test_an_unknown_column_is_refused_with_the_nearest_name(attempt: Callable[..., str]) -> None:
    sentence = attempt(users_csv=USERS.replace("name", "nmae"))
    assert "loading users.csv: the table users has no column 'nmae'. Did you mean name?" in sentence


def test_a_missing_required_column_is_refused(attempt: Callable[..., str]) -> None:
    assert "it lacks the columns password_hash, name, which every row needs" in attempt(
        users_csv="email,role\na,agent\n"
    )


def test_a_column_twice_is_refused(attempt: Callable[..., str]) -> None:
    assert "it has the column name more than once" in attempt(users_csv="email,password_hash,name,role,name\n")


def test_a_column_without_a_name_is_refused(attempt: Callable[..., str]) -> None:
    assert "its column 5 has no name" in attempt(users_csv="email,password_hash,name,role,\na,x,A,agent,\n")


def test_a_file_without_a_header_is_refused_and_its_first_row_not_repeated(attempt: Callable[..., str]) -> None:
    sentence = attempt(users_csv=f"{ANN},ann@example.com,secret,Ann,sponsor\n")
    assert "its first line names no column of the table users" in sentence


@pytest.mark.parametrize(("mark", "shown"), [(";", "';'"), ("\t", "tabs"), ("|", "'|'")])
def test_another_separator_is_named(attempt: Callable[..., str], mark: str, shown: str) -> None:
    assert f"its columns are separated by {shown}" in attempt(users_csv=USERS.replace(",", mark))


@pytest.mark.parametrize("content", ["", "\n", "\ufeff"])
def test_an_empty_file_is_refused(attempt: Callable[..., str], content: str) -> None:
    assert "loading users.csv: it is empty" in attempt(users_csv=content)


def test_a_broken_header_is_refused(attempt: Callable[..., str]) -> None:
    assert "line 1 is not a line of CSV" in attempt(users_csv='email,"name"x,role\n')


def test_an_odd_header_is_looked_at_before_any_row_of_any_file_is_sent(attempt: Callable[..., str]) -> None:
    """users.csv has a bad row, but gigs.csv, which would follow, cannot go in at all."""
    sentence = attempt(users_csv=USERS.replace("sponsor", "duck"), gigs_csv=GIGS.replace("title", "titel"))
    assert "loading gigs.csv: the table gigs has no column 'titel'" in sentence


# --- the rows ------------------------------------------------------------------------------------


def test_a_row_with_too_few_values_is_refused_by_line(attempt: Callable[..., str]) -> None:
    sentence = attempt(users_csv=USERS + f"{GIG},secret\n")
    assert 'loading users.csv: line 4: the row is malformed (missing data for column "password_hash")' in sentence


def test_a_row_with_too_many_values_is_refused_by_line(attempt: Callable[..., str]) -> None:
    assert "line 4: the row is malformed (extra data" in attempt(users_csv=USERS + f"{GIG},e,x,Secret,agent,more\n")


def test_an_open_quote_is_refused(attempt: Callable[..., str]) -> None:
    assert "the row is malformed (unterminated CSV quoted field)" in attempt(users_csv=USERS + f'{GIG},"secret')


def test_a_line_break_in_quotes_does_not_mislead_the_line_number(attempt: Callable[..., str]) -> None:
    """Line 2 runs on to line 3; the bad role stands in line 4."""
    content = f'id,email,password_hash,name,role\n{ANN},a,x,"A\nnn",agent\n{BOB},b,x,{"Secret" * 50},agent\n'
    assert "line 4, column name: it is not a value that fits character varying(255)" in attempt(users_csv=content)


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("id", "secret", "uuid"),
        ("created_at", "secret", "timestamp with time zone"),
        ("created_at", "01/02/2024", "timestamp with time zone"),
        ("created_at", "2024-02-30", "timestamp with time zone"),
        ("rating", "99.9", "numeric(2,1)"),
        ("review_count", "1.5", "integer"),
        ("review_count", "9999999999", "integer"),
        ("is_active", "secret", "boolean"),
        ("referral_code", "secret" * 4, "character varying(20)"),
    ],
)
def test_a_bad_value_is_refused_by_line_column_and_type_and_not_repeated(
    attempt: Callable[..., str], column: str, value: str, kind: str
) -> None:
    content = f"email,password_hash,name,role,{column}\na,x,A,agent,\nb,x,B,agent,{value}\n"
    if column == "id":
        content = content.replace("agent,\n", f"agent,{ANN}\n")
    sentence = attempt(users_csv=content)
    assert f"loading users.csv: line 3, column {column}: it is not a value that fits {kind}" in sentence
    assert value not in sentence


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
    with pytest.raises(LoadError, match="line 2: the value of id is there already, in the file or in the table users"):
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


def test_utf_16_is_named(attempt: Callable[..., str]) -> None:
    assert "it is written in UTF-16" in attempt(users_csv=USERS.encode("utf-16"))


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
    assert "line 2: Postgres refused it (SQLSTATE P0001)" in attempt(users_csv=USERS)


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


def test_a_frame_written_with_polars_defaults_goes_in(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    """The header is quoted nowhere and times come as 2025-01-01T00:00:00.000000+0000."""
    pl.DataFrame({"email": ["a"], "password_hash": ["x"], "name": ["A"], "role": ["agent"]}).with_columns(
        created_at=pl.lit("2025-01-01T00:00:00Z").str.to_datetime(time_zone="UTC")
    ).write_csv(folder / "users.csv")
    load(settings, folder)
    assert rows(postgres, "select created_at at time zone 'UTC' = '2025-01-01' from users") == [(True,)]


def test_a_rule_that_is_checked_at_the_very_end_is_told(
    attempt: Callable[..., str], postgres: psycopg.Connection[Any]
) -> None:
    postgres.execute(
        "alter table gigs add constraint late foreign key (sponsor_id) references sponsor_profiles"
        " deferrable initially deferred"
    )
    sentence = attempt(users_csv=USERS, gigs_csv=GIGS)
    assert "Postgres refused it at the end (SQLSTATE 23503, rule late). See the server's log" in sentence


def test_tables_that_refer_to_each_other_in_a_circle_are_refused(
    attempt: Callable[..., str], postgres: psycopg.Connection[Any]
) -> None:
    postgres.execute("alter table users add favourite uuid references gigs")
    sentence = attempt(users_csv=USERS, gigs_csv=GIGS)
    assert "ordering the tables by their foreign keys: those of" in sentence
    assert "go round in a circle" in sentence
