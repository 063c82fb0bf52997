"""People's own CSV files go in as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

from si_analytics.load import Change, LoadReport, load
from si_analytics.settings import Settings
from tests.support.dumps import ANN, BOB, GIGS, USERS, rows, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "a dump"
    made.mkdir()
    return made


def test_files_go_in_by_foreign_key_whatever_their_names_order(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    """gigs.csv comes before users.csv in the folder, and its row refers to one of theirs."""
    write(folder, users_csv=USERS, gigs_csv=GIGS)
    told: list[tuple[str, str, int]] = []
    report = load(settings, folder, progress=lambda phase, name, number, _: told.append((phase, name, number)))
    assert report.rows == {"users": 2, "gigs": 1}
    assert told == [("read", "users", 2), ("read", "gigs", 1), ("load", "users", 2), ("load", "gigs", 1)]
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


def test_a_time_is_the_moment_it_says_whatever_the_server_is_set_to(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    database = rows(postgres, "select current_database()")[0][0]
    postgres.execute(f"alter database {database} set timezone = 'Asia/Tokyo'")
    postgres.execute(f"alter database {database} set datestyle = 'German'")
    write(folder, users_csv="email,password_hash,name,role,created_at\na,x,A,agent,2025-03-01 12:00:00.000001Z\n")
    load(settings, folder)
    assert rows(postgres, "select extract(epoch from created_at)::text from users") == [("1740830400.000001",)]


def test_other_files_of_the_folder_are_named_in_the_report(settings: Settings, folder: Path) -> None:
    write(folder, users_csv=USERS, README_md="# dump", notes_txt="")
    (folder / ".DS_Store").write_bytes(b"\0")
    (folder / "old").mkdir()
    report = load(settings, folder)
    assert report == LoadReport(
        {"users": 2}, report.seconds, ("README.md", "notes.txt", "old"), {"users": Change(inserted=2)}
    )


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


def test_a_frame_written_with_polars_defaults_goes_in(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    """The header is quoted nowhere and times come as 2025-01-01T00:00:00.000000+0000."""
    pl.DataFrame({"email": ["a"], "password_hash": ["x"], "name": ["A"], "role": ["agent"]}).with_columns(
        created_at=pl.lit("2025-01-01T00:00:00Z").str.to_datetime(time_zone="UTC")
    ).write_csv(folder / "users.csv")
    load(settings, folder)
    assert rows(postgres, "select created_at at time zone 'UTC' = '2025-01-01' from users") == [(True,)]
