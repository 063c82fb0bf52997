"""Loading again: rows that are there are refused, overwritten or replaced, all in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from si_analytics.errors import LoadError
from si_analytics.load import Change, Options, load
from si_analytics.settings import Settings
from tests.support.dumps import ANN, BOB, GIG, GIGS, USERS, rows, write

CAT = "00000000-0000-4000-8000-0000000000ca"
HEAD = USERS.splitlines()[0]
UPSERT, REPLACE = Options(mode="upsert"), Options(mode="replace")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "dump"
    made.mkdir()
    return made


@pytest.fixture
def there(settings: Settings, folder: Path) -> None:
    """Ann, a sponsor, her gig, and Bob, an influencer."""
    write(folder, users_csv=USERS, gigs_csv=GIGS)
    load(settings, folder)
    for file in folder.iterdir():
        file.unlink()


def people(connection: psycopg.Connection[Any]) -> list[tuple[str, ...]]:
    return rows(connection, "select name, email from users order by name")


# --- without either ------------------------------------------------------------------------------


@pytest.mark.usefixtures("there")
def test_an_id_that_is_there_is_found_before_any_row_goes_into_any_table(settings: Settings, folder: Path) -> None:
    """users.csv is new and would go in first; the gig, in the file after it, is there already."""
    write(folder, users_csv=f"{HEAD}\n{CAT},cat@example.com,x,Cat,agent\n", gigs_csv=GIGS)
    told: list[tuple[str, str]] = []
    with pytest.raises(LoadError) as caught:
        load(settings, folder, progress=lambda phase, name, *_: told.append((phase, name)))
    assert told == [("read", "users"), ("read", "gigs")]
    expected = (
        "loading gigs.csv: line 2: the value of id is there already, in the table gigs (so are 1 of the file)."
        " To load rows again say --upsert, which overwrites them, or --replace, which removes all others too"
    )
    assert expected in str(caught.value)


@pytest.mark.usefixtures("there")
def test_another_key_that_is_there_is_found_as_early(settings: Settings, folder: Path) -> None:
    write(folder, users_csv=f"{HEAD}\n{CAT},bob@example.com,x,Cat,agent\n")
    with pytest.raises(LoadError, match="line 2: the value of email is there already, in the table users"):
        load(settings, folder)


# --- upsert --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("there")
def test_upsert_overwrites_rows_by_their_key_adds_others_and_leaves_the_rest(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    """Ann is as she was, Bob is Bobby now, Cat is new; the gig is not in the folder."""
    content = USERS.replace(",Bob,", ",Bobby,") + f"{CAT},cat@example.com,x,Cat,agent\n"
    write(folder, users_csv=content)
    report = load(settings, folder, options=UPSERT)
    assert report.rows == {"users": 3}
    assert report.changes == {"users": Change(inserted=1, updated=1, removed=0, unchanged=1)}
    assert [name for name, _ in people(postgres)] == ["Ann", "Bobby", "Cat"]
    assert rows(postgres, "select count(*) from gigs") == [(1,)]
    again = load(settings, folder, options=UPSERT)
    assert again.changes == {"users": Change(unchanged=3)}


@pytest.mark.usefixtures("there")
def test_upsert_leaves_columns_alone_that_the_file_does_not_have(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    postgres.execute("update users set is_active = false, avatar = 'a.png'")
    write(folder, users_csv=USERS.replace("bob@", "bobby@"))
    load(settings, folder, options=UPSERT)
    assert rows(postgres, "select email, is_active, avatar from users order by email") == [
        ("ann@example.com", False, "a.png"),
        ("bobby@example.com", False, "a.png"),
    ]


@pytest.mark.usefixtures("there")
def test_upsert_writes_null_where_a_cell_is_empty(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    write(folder, gigs_csv=GIGS.replace("id,sponsor", "status,id,sponsor").replace(GIG, f",{GIG}"))
    report = load(settings, folder, options=UPSERT)
    assert rows(postgres, "select status from gigs") == [(None,)]
    assert report.changes == {"gigs": Change(updated=1)}
    assert "status is empty in 1 row" in report.notes[0]


def test_upsert_by_a_key_of_two_columns(settings: Settings, folder: Path, postgres: psycopg.Connection[Any]) -> None:
    balances = f"user_id,currency,available_balance\n{ANN},usd,1\n{ANN},eth,2\n"
    write(folder, users_csv=USERS, user_balances_csv=balances)
    load(settings, folder, options=UPSERT)
    write(folder, user_balances_csv=balances.replace("eth,2", "eth,3"))
    assert load(settings, folder, options=UPSERT).changes["user_balances"] == Change(updated=1, unchanged=1)
    assert rows(postgres, "select currency, available_balance::text from user_balances order by 1") == [
        ("eth", "3.00"),
        ("usd", "1.00"),
    ]


@pytest.mark.usefixtures("there")
def test_upsert_refuses_a_key_that_a_row_of_another_id_has(settings: Settings, folder: Path) -> None:
    write(folder, users_csv=f"{HEAD}\n{CAT},bob@example.com,x,Cat,agent\n")
    with pytest.raises(LoadError, match=r"line 2: the value of email is there already.*in a row of another id"):
        load(settings, folder, options=UPSERT)


@pytest.mark.usefixtures("there")
def test_upsert_needs_the_key(settings: Settings, folder: Path) -> None:
    write(folder, users_csv="email,password_hash,name,role\nann@example.com,x,A,agent\n")
    with pytest.raises(LoadError, match=r"loading users\.csv: it lacks id, by which rows that are there are told"):
        load(settings, folder, options=UPSERT)


# --- replace -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("there")
def test_replace_leaves_in_a_table_what_its_file_holds_and_other_tables_alone(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    """Ann stays, and so does her gig, though gigs.csv is not there; Bob goes, Cat comes."""
    write(folder, users_csv=USERS.replace(BOB, CAT).replace("bob@", "cat@").replace(",Bob,", ",Cat,"))
    report = load(settings, folder, options=REPLACE)
    assert report.changes == {"users": Change(inserted=1, updated=0, removed=1, unchanged=1)}
    assert people(postgres) == [("Ann", "ann@example.com"), ("Cat", "cat@example.com")]
    assert rows(postgres, "select title from gigs") == [("Run",)]


@pytest.mark.usefixtures("there")
def test_replace_refuses_to_take_along_rows_of_other_tables(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    """Ann goes; the database would delete her gig with her, and nobody asked for that."""
    write(folder, users_csv=f"{HEAD}\n{BOB},bob@example.com,x,Bob,influencer\n")
    with pytest.raises(LoadError) as caught:
        load(settings, folder, options=REPLACE)
    expected = (
        "loading users.csv: 1 row refers by gigs.sponsor_id to rows of users that it lacks."
        " Put gigs.csv beside it, or use --upsert, which removes nothing; nothing was loaded"
    )
    assert str(caught.value) == expected
    assert len(people(postgres)) == 2


@pytest.mark.usefixtures("there")
def test_replace_with_both_tables_removes_the_child_before_the_parent(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    write(folder, users_csv=f"{HEAD}\n{BOB},bob@example.com,x,Bob,influencer\n", gigs_csv=GIGS.splitlines()[0])
    report = load(settings, folder, options=REPLACE)
    assert report.changes == {"users": Change(removed=1, unchanged=1), "gigs": Change(removed=1)}


@pytest.mark.usefixtures("there")
def test_replace_hands_a_child_to_another_parent_before_the_old_one_goes(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    """The gig is Cat's now, Ann goes: a key that cascades would have deleted the gig with her."""
    write(
        folder,
        users_csv=f"{HEAD}\n{CAT},cat@example.com,x,Cat,sponsor\n",
        gigs_csv=GIGS.replace(ANN, CAT),
    )
    report = load(settings, folder, options=REPLACE)
    assert report.changes == {"users": Change(inserted=1, removed=2), "gigs": Change(updated=1)}
    assert rows(postgres, "select sponsor_id::text from gigs") == [(CAT,)]


@pytest.mark.usefixtures("there")
def test_while_a_row_is_on_its_way_out_nobody_refers_to_it_anew(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    """Ann goes last, when her gig is Cat's; a gig that another session gave her meanwhile would go with her."""
    write(folder, users_csv=f"{HEAD}\n{CAT},cat@example.com,x,Cat,sponsor\n", gigs_csv=GIGS.replace(ANN, CAT))
    postgres.execute("set lock_timeout = '100ms'")
    refused = []

    def another_session(phase: str, table: str, *_: Any) -> None:
        if (phase, table) == ("load", "users"):
            with pytest.raises(psycopg.errors.LockNotAvailable):
                postgres.execute(
                    "insert into gigs (sponsor_id, title, description, budget_min, budget_max, categories,"
                    f" influencer_types) values ('{ANN}', 'New', 'x', 1, 2, '{{}}', '{{}}')"
                )
            refused.append(table)

    load(settings, folder, options=REPLACE, progress=another_session)
    assert refused == ["users"]
    assert people(postgres) == [("Cat", "cat@example.com")]


@pytest.mark.usefixtures("there")
def test_replace_by_the_same_people_under_new_ids(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    """Their addresses are free again when the new rows come."""
    fresh = USERS.replace("4000-8000", "4000-9000")
    write(folder, users_csv=fresh, gigs_csv=GIGS.replace("4000-8000", "4000-9000"))
    report = load(settings, folder, options=REPLACE)
    assert report.changes == {"users": Change(inserted=2, removed=2), "gigs": Change(inserted=1, removed=1)}


@pytest.mark.usefixtures("there")
def test_replace_a_table_whose_rows_refer_to_each_other(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    """Ann recruited Bob; both go, in one statement."""
    postgres.execute("delete from gigs")
    postgres.execute(f"update users set referred_by = '{ANN}' where id = '{BOB}'")
    write(folder, users_csv=f"{HEAD}\n{CAT},cat@example.com,x,Cat,agent\n")
    assert load(settings, folder, options=REPLACE).changes == {"users": Change(inserted=1, removed=2)}
    assert people(postgres) == [("Cat", "cat@example.com")]


@pytest.mark.usefixtures("there")
def test_replace_refuses_a_row_that_refers_to_one_that_goes(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    write(folder, users_csv=f"{HEAD}\n{BOB},bob@example.com,x,Bob,influencer\n", gigs_csv=GIGS)
    with pytest.raises(LoadError) as caught:
        load(settings, folder, options=REPLACE)
    found = "loading gigs.csv: line 2: sponsor_id names a row that users.csv, which replaces the table users, does not"
    assert found in str(caught.value)
    assert len(people(postgres)) == 2


@pytest.mark.usefixtures("there")
def test_replace_by_a_file_without_ids_replaces_every_row(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    write(folder, gigs_csv="\n".join(line.partition(",")[2] for line in GIGS.splitlines()))
    assert load(settings, folder, options=REPLACE).changes == {"gigs": Change(inserted=1, removed=1)}
    assert rows(postgres, f"select count(*) from gigs where id <> '{GIG}'") == [(1,)]


@pytest.mark.usefixtures("there")
def test_what_goes_wrong_in_replacing_leaves_all_as_it_was(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    """The gig would be updated, the users removed; a trigger of somebody else's says no at the very end."""
    postgres.execute("create function no() returns trigger language plpgsql as $$ begin raise 'no'; end $$")
    postgres.execute("create trigger no before delete on users for each row execute function no()")
    write(folder, users_csv=f"{HEAD}\n{CAT},cat@example.com,x,Cat,sponsor\n", gigs_csv=GIGS.replace(ANN, CAT))
    with pytest.raises(LoadError, match=r"loading users\.csv: Postgres refused it \(SQLSTATE P0001\)"):
        load(settings, folder, options=REPLACE)
    assert [name for name, _ in people(postgres)] == ["Ann", "Bob"]
    assert rows(postgres, "select sponsor_id::text from gigs") == [(ANN,)]


def test_replace_and_upsert_of_an_empty_table_are_a_plain_load(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    write(folder, users_csv=USERS, gigs_csv=GIGS)
    for options in (REPLACE, UPSERT):
        postgres.execute("truncate users cascade")
        report = load(settings, folder, options=options)
        assert report.changes == {"users": Change(inserted=2), "gigs": Change(inserted=1)}


def test_the_command_says_what_it_did(si: Callable[..., Any], settings: Settings, folder: Path) -> None:
    write(folder, users_csv=USERS)
    ours = si(settings)
    assert ours("load", str(folder)).code == 0
    write(folder, users_csv=USERS.replace(",Bob,", ",Bobby,"))
    done = ours("load", str(folder), "--replace")
    assert [line.split() for line in done.out.splitlines() if line.startswith("users")] == [
        ["users", "0", "1", "0", "1"]
    ]
    document = ours("load", str(folder), "--upsert", "--json").document
    assert document["changes"] == {"users": {"inserted": 0, "updated": 0, "removed": 0, "unchanged": 2}}
