"""Folders, files and headers that cannot be loaded: one sentence each, and no trace."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from si_analytics.errors import LoadError, SchemaError
from si_analytics.load import load
from si_analytics.settings import Settings
from tests.support.dumps import ANN, GIGS, USERS, write


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


@pytest.mark.parametrize("form", ["csv.zst", "json", "xlsx", "tsv"])
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
    sentence = attempt(users_csv=USERS.replace(",", mark))
    assert f"its columns are separated by {shown}. Separate them by commas, or say --separator" in sentence


@pytest.mark.parametrize("content", ["", "\n", "\ufeff"])
def test_an_empty_file_is_refused(attempt: Callable[..., str], content: str) -> None:
    assert "loading users.csv: it is empty" in attempt(users_csv=content)


def test_a_broken_header_is_refused(attempt: Callable[..., str]) -> None:
    assert "line 1 is not a line of CSV" in attempt(users_csv='email,"name"x,role\n')


def test_an_odd_header_is_looked_at_before_any_row_of_any_file_is_sent(attempt: Callable[..., str]) -> None:
    """users.csv has a bad row, but gigs.csv, which would follow, cannot go in at all."""
    sentence = attempt(users_csv=USERS.replace("sponsor", "duck"), gigs_csv=GIGS.replace("title", "titel"))
    assert "loading gigs.csv: the table gigs has no column 'titel'" in sentence
