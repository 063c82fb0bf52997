"""A value of a CSV file is loaded exactly as it stands or refused, with the form that is wanted."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from si_analytics.errors import LoadError
from si_analytics.load import Options, load
from si_analytics.settings import Settings
from tests.support.dumps import rows, write

Load = Callable[..., list[Any]]


@pytest.fixture
def loaded(settings: Settings, tmp_path: Path, postgres: psycopg.Connection[Any]) -> Load:
    """A function that loads one value into a column of transactions, and returns what arrived there.

    One that is refused raises LoadError, and leaves nothing.
    """
    folder = tmp_path / "dump"
    folder.mkdir()

    def one(column: str, written: str, **said: Any) -> list[Any]:
        quoted = written if written.startswith('"') or "," not in written else f'"{written}"'
        given = {"type": "refund", "amount": "1", column: quoted}
        write(folder, transactions_csv=f"{','.join(given)}\n{','.join(given.values())}\n")
        try:
            load(settings, folder, options=Options(**said))
        except LoadError:
            assert rows(postgres, "select count(*) from transactions") == [(0,)]
            raise
        found = rows(postgres, f"select {column} from transactions")
        postgres.execute("delete from transactions")
        return [value for (value,) in found]

    return one


def refused(loaded: Load, column: str, written: str, **said: Any) -> str:
    with pytest.raises(LoadError) as caught:
        loaded(column, written, **said)
    assert f"loading transactions.csv: line 2, column {column}: " in str(caught.value)
    return str(caught.value)


# --- amounts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "said", "kept"),
    [
        ("1234.56", {}, "1234.56"),
        ("-0.5", {}, "-0.50"),
        ("+7", {}, "7.00"),
        (".25", {}, "0.25"),
        (" 12.30 ", {}, "12.30"),
        ("10.5000", {}, "10.50"),
        ("0.500", {}, "0.50"),
        ("1234.000", {}, "1234.00"),
        ("1.500", {"decimal": "."}, "1.50"),
        ("1,500", {"decimal": "."}, "1500.00"),
        ("1,234,567.80", {"decimal": "."}, "1234567.80"),
        ("1234,56", {"decimal": ","}, "1234.56"),
        ("1.500", {"decimal": ","}, "1500.00"),
        ("1.234.567,8", {"decimal": ","}, "1234567.80"),
        ("9999999999999.99", {}, "9999999999999.99"),
        ("0000000000000001.10", {}, "1.10"),
    ],
)
def test_an_amount_that_the_column_can_keep_arrives_exactly(
    loaded: Load, written: str, said: dict[str, str], kept: str
) -> None:
    assert [str(value) for value in loaded("amount", written, **said)] == [kept]


@pytest.mark.parametrize(
    ("written", "said", "found"),
    [
        ("1234.565", {}, "'1234.565' is not a number of at most 2 decimals, as numeric(15,2) keeps it"),
        ("10.0050", {}, "'10.0050' is not a number of at most 2 decimals"),
        ("1.500", {}, "'1.500' could have a mark of thousands or of decimals. Write it without thousands, or say"),
        ("-12.000", {}, "'-12.000' could have a mark of thousands or of decimals"),
        ("1e-3", {}, "'1e-3' is written with an exponent. Write all its digits, like 1234.55"),
        ("1E2", {}, "'1E2' is written with an exponent"),
        (
            "1234,56",
            {},
            "'1234,56' has a comma. Write it like 1234.55, or say which mark is the decimal one: --decimal",
        ),
        ("1,234.56", {}, "'1,234.56' has a comma"),
        ("1.234.567", {}, "'1.234.567' is no number"),
        ("1,5", {"decimal": "."}, "'1,5' is no number"),
        ("1.5", {"decimal": ","}, "'1.5' is no number for numeric(15,2). Write it like 1234,55"),
        ("1.50,25", {"decimal": ","}, "'1.50,25' is no number"),
        ("0,005", {"decimal": ","}, "'0,005' is not a number of at most 2 decimals"),
        ("NaN", {}, "'NaN' is no number. Leave the cell empty where there is none"),
        ("-Infinity", {}, "'-Infinity' is no number"),
        ("inf", {}, "'inf' is no number"),
        ("N/A", {}, "'N/A' is no number"),
        ("0x1F", {}, "is no number"),
        ("1_000", {}, "is no number"),
        ("$5", {}, "'$5' is no number"),
        ("(5.00)", {}, "'(5.00)' is no number"),
        ("1 234.50", {}, "'1 234.50' is no number"),
        ("\u0661\u0662", {}, "is no number"),
        ('""', {}, 'the empty text "" is no number'),
        ("10000000000000", {}, "is too large for numeric(15,2)"),
    ],
)
def test_an_amount_that_would_change_on_the_way_in_is_refused(
    loaded: Load, written: str, said: dict[str, str], found: str
) -> None:
    assert found in refused(loaded, "amount", written, **said)


def test_whole_numbers_may_have_a_point_and_zeros_and_nothing_else(
    settings: Settings, tmp_path: Path, postgres: psycopg.Connection[Any]
) -> None:
    """As programs write a column of integers that has gaps: 3.0."""
    head = "email,password_hash,name,role,review_count\n"
    write(tmp_path, users_csv=f"{head}a,x,A,agent,3.0\nb,x,B,agent,-2147483648\n")
    load(settings, tmp_path)
    assert rows(postgres, "select review_count from users order by email") == [(3,), (-2147483648,)]
    for written, found in (("3.5", "not a whole number"), ("1.000", "could have a mark of"), ("3e0", "an exponent")):
        write(tmp_path, users_csv=f"{head}c,x,A,agent,{written}\n")
        with pytest.raises(LoadError, match=f"line 2, column review_count: '{written}' .*{found}"):
            load(settings, tmp_path)


# --- times ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "said", "moment"),
    [
        ("2026-06-05T14:30:00Z", {}, "2026-06-05 14:30:00+00"),
        ("2026-06-05 14:30+02", {}, "2026-06-05 12:30:00+00"),
        ("2026-06-05 14:30:15.5 -0330", {}, "2026-06-05 18:00:15.5+00"),
        ("2026-06-05 14:30:00.1234560000 +00:00", {}, "2026-06-05 14:30:00.123456+00"),
        ("1890-01-01 00:00+00:53:28", {}, "1889-12-31 23:06:32+00"),
        ("2026-06-05 14:30 Europe/Berlin", {}, "2026-06-05 12:30:00+00"),
        ("2026-01-05T14:30America/Argentina/Buenos_Aires", {}, "2026-01-05 17:30:00+00"),
        ("2026-06-05 14:30:00 UTC", {}, "2026-06-05 14:30:00+00"),
        ("2026-06-05 14:30", {"timezone": "Europe/Berlin"}, "2026-06-05 12:30:00+00"),
        ("2026-06-05", {"timezone": "America/New_York"}, "2026-06-05 04:00:00+00"),
        ("2026-06-05 14:30Z", {"timezone": "Europe/Berlin"}, "2026-06-05 14:30:00+00"),
        ("05.06.2026 9:05 Z", {"dates": "day-first"}, "2026-06-05 09:05:00+00"),
        ("5/6/2026 2:30 PM", {"dates": "month-first", "timezone": "UTC"}, "2026-05-06 14:30:00+00"),
        ("5/6/2026 12:30 am Z", {"dates": "month-first"}, "2026-05-06 00:30:00+00"),
        ("2026-06-05T14:30:00Z", {"dates": "day-first"}, "2026-06-05 14:30:00+00"),
        ("0001-01-03 00:00Z", {}, "0001-01-03 00:00:00+00"),
    ],
)
def test_a_time_is_the_moment_that_it_says(
    loaded: Load, postgres: psycopg.Connection[Any], written: str, said: dict[str, str], moment: str
) -> None:
    found = loaded("created_at", written, **said)
    assert rows(postgres, f"select timestamptz '{moment}'") == [(found[0],)]


@pytest.mark.parametrize(
    ("written", "said", "found"),
    [
        ("05.06.26", {}, "'05.06.26' has a year of two digits. Write it like 2026-06-05T14:30:00Z, the year with four"),
        ("5/6/26 14:30", {"dates": "day-first"}, "'5/6/26 14:30' has a year of two digits"),
        ("05.06.2026", {}, "'05.06.2026' does not begin with the year"),
        ("05.06.2026", {}, "say which comes first: --dates day-first or --dates month-first"),
        ("31/12/2026 10:00Z", {"dates": "month-first"}, "is no time"),
        ("5/6/2026 13:30 PM Z", {"dates": "month-first"}, "is no time"),
        ("2026-06-05 14:30", {}, "has no time zone, so it names no one moment. Add its offset, like Z or +02:00, or"),
        ("2026-06-05", {}, "has no time zone"),
        ("05.06.2026 14:30", {"dates": "day-first"}, "has no time zone"),
        ("2026-06-05 14:30 IST", {}, "'2026-06-05 14:30 IST' names its zone by an abbreviation"),
        ("2026-06-05 14:30CST", {"timezone": "UTC"}, "names its zone by an abbreviation"),
        ("2026-06-05 14:30 EST", {}, "Write an offset, like +05:30, or an IANA name, like Asia/Kolkata"),
        ("2026-06-05 14:30 Europe/Berlim", {}, "names a time zone that there is not"),
        ("2026-03-29 02:30 Europe/Berlin", {}, "is not one moment in Europe/Berlin, whose clocks skip it"),
        ("2026-10-25 02:30", {"timezone": "Europe/Berlin"}, "whose clocks show it twice. Write it with its offset"),
        ("2026-06-05 14:30:00.1234567Z", {}, "has more than six decimals of a second"),
        ("2026-02-30 10:00Z", {}, "'2026-02-30 10:00Z' is no time"),
        ("2026-06-05 24:00Z", {}, "is no time"),
        ("2026-06-05 23:59:60Z", {}, "is no time"),
        ("2026-06-05 14:30+25", {}, "is no time"),
        ("0000-01-01 00:00Z", {}, "lies outside the years 1 to 9999"),
        ("0001-01-01 00:00+14", {}, "'0001-01-01 00:00+14' lies outside the years 1 to 9999"),
        ("9999-12-31 23:59-12", {}, "lies outside the years 1 to 9999"),
        ("0044-03-15 12:00Z BC", {}, "is no time"),
        ("now", {}, "'now' is a word and no time"),
        ("Today", {"timezone": "UTC"}, "'Today' is a word and no time"),
        ("infinity", {}, "'infinity' is a word and no time"),
        ("-infinity", {}, "'-infinity' is a word and no time"),
        ("epoch", {}, "'epoch' is a word and no time"),
        ("20260605T143000Z", {}, "is no time"),
        ("1780669800", {}, "is no time"),
        ("June 5 2026", {"timezone": "UTC"}, "'June 5 2026' is no time"),
        ('""', {}, 'the empty text "" is no time'),
    ],
)
def test_a_time_that_has_to_be_guessed_is_refused(loaded: Load, written: str, said: dict[str, str], found: str) -> None:
    assert found in refused(loaded, "created_at", written, **said)


def test_a_day_begins_with_its_year_as_well(
    settings: Settings, tmp_path: Path, postgres: psycopg.Connection[Any]
) -> None:
    head, agent = "agent_id,period,bonus_type,amount,period_start,period_end\n", "00000000-0000-4000-8000-00000000000a"
    postgres.execute(f"insert into users (id, email, password_hash, name, role) values ('{agent}','a','x','A','agent')")
    for written, found in (
        ("05.06.26", "a year of two digits"),
        ("5.6.2026", "--dates day-first"),
        ("today", "is no day"),
        ("2026-06-05 10:00Z", "is no day"),
        ("2026-02-29", "is no day"),
    ):
        write(tmp_path, agent_bonuses_csv=f"{head}{agent},monthly,milestone,1,2026-06-01,{written}\n")
        with pytest.raises(LoadError, match=f"line 2, column period_end: .*{found}"):
            load(settings, tmp_path)
    write(tmp_path, agent_bonuses_csv=f"{head}{agent},monthly,milestone,1,2026-06-01,5.6.2026\n")
    load(settings, tmp_path, options=Options(dates="day-first"))
    assert rows(postgres, "select period_start::text, period_end::text from agent_bonuses") == [
        ("2026-06-01", "2026-06-05")
    ]


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["NULL", "null", "N/A", "NA", "None", "nan", "\\N", "-", '""', " ", "US Dollar", "€"]
)
def test_a_word_for_nothing_is_no_currency(loaded: Load, written: str) -> None:
    assert "is no currency. Write its code, like usd, or leave the cell empty" in refused(loaded, "currency", written)


def test_a_currency_is_taken_as_it_is_written_and_an_empty_cell_is_null(loaded: Load) -> None:
    assert loaded("currency", "EUR") == ["EUR"]
    assert loaded("currency", "") == [None]
    assert loaded("amount", "1") == [Decimal("1.00")]


@pytest.mark.parametrize("written", ["tru", "of", "2", '""', "wahr"])
def test_what_is_neither_true_nor_false_is_refused(settings: Settings, tmp_path: Path, written: str) -> None:
    write(tmp_path, users_csv=f"email,password_hash,name,role,is_active\na,x,A,agent,{written}\n")
    with pytest.raises(LoadError, match=r"line 2, column is_active: .* is neither true nor false"):
        load(settings, tmp_path)


def test_an_empty_cell_is_null_and_where_there_is_a_default_that_is_said(
    settings: Settings, tmp_path: Path, postgres: psycopg.Connection[Any]
) -> None:
    """Three refunds: one says its status, two do not; without the column all three would be pending."""
    write(tmp_path, transactions_csv="type,amount,status\nrefund,1,completed\nrefund,2,\nrefund,3,\n")
    report = load(settings, tmp_path)
    assert rows(postgres, "select status from transactions order by amount") == [("completed",), (None,), (None,)]
    assert report.notes == (
        "transactions.csv: status is empty in 2 rows, from line 3 on; null was loaded, the default"
        " 'pending' is for files without the column",
    )


def test_an_empty_cell_where_every_row_needs_a_value_is_refused_though_there_is_a_default(
    settings: Settings, tmp_path: Path
) -> None:
    write(tmp_path, user_balances_csv="user_id,currency\n00000000-0000-4000-8000-00000000000a,\n")
    with pytest.raises(LoadError, match=r"line 2: the column currency is empty.* leave the column out: its default is"):
        load(settings, tmp_path)


def test_a_text_that_says_null_is_loaded_as_it_stands_and_told(
    settings: Settings, tmp_path: Path, postgres: psycopg.Connection[Any]
) -> None:
    """Mr Null is a name, NULL most likely none."""
    write(tmp_path, users_csv="email,password_hash,name,role,avatar\na,x,Null,agent,NULL\nb,x,B,agent,N/A\n")
    report = load(settings, tmp_path)
    assert rows(postgres, "select name, avatar from users order by email") == [("Null", "NULL"), ("B", "N/A")]
    assert [note.partition(",")[0] for note in report.notes] == [
        "users.csv: avatar holds a word that often stands for null in 2 rows"
    ]
