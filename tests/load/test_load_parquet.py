"""Parquet files: typed values in, everything inexact or ambiguous refused."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from si_analytics.errors import LoadError
from si_analytics.load import Options, load
from si_analytics.settings import Settings

ANN = uuid.UUID("00000000-0000-4000-8000-00000000000a")
UTC = dt.UTC


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "dump"
    made.mkdir()
    return made


def users(count: int = 1, **columns: Any) -> pa.Table:
    """A table of users with what every user needs, and more."""
    needed = {
        "email": [f"u{number}" for number in range(count)],
        "password_hash": ["x"] * count,
        "name": ["Ann"] * count,
        "role": ["influencer"] * count,
    }
    return pa.table({**needed, **columns})


def one(connection: psycopg.Connection[Any], query: str) -> tuple[Any, ...] | None:
    return connection.execute(query).fetchone()


@pytest.fixture
def attempt(settings: Settings, folder: Path, postgres: psycopg.Connection[Any]) -> Callable[..., str]:
    """A function that loads a users.parquet and returns the sentence of the refusal; nothing may be left."""

    def refused(table: pa.Table | bytes, name: str = "users.parquet") -> str:
        if isinstance(table, bytes):
            (folder / name).write_bytes(table)
        else:
            pq.write_table(table, folder / name)
        with pytest.raises(LoadError) as caught:
            load(settings, folder)
        sentence = str(caught.value)
        assert "\n" not in sentence
        assert "secret" not in sentence.lower()
        assert one(postgres, "select count(*) from users") == (0,)
        return sentence

    return refused


# --- what goes in --------------------------------------------------------------------------------


def test_every_kind_of_column_arrives_exactly(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    moment = dt.datetime(2025, 3, 1, 12, 0, 0, 1, tzinfo=dt.timezone(dt.timedelta(hours=9)))
    pq.write_table(
        users(
            id=pa.array([ANN.bytes], pa.binary(16)),
            rating=pa.array([Decimal("4.5")], pa.decimal128(2, 1)),
            review_count=pa.array([3], pa.uint8()),
            is_active=pa.array([False]),
            created_at=pa.array([moment], pa.timestamp("us", "Asia/Tokyo")),
            referral_code=pa.array([17], pa.int64()),
            avatar=pa.array(["a\tb\\N\r\n\"c'"], pa.large_string()),
        ),
        folder / "users.parquet",
    )
    profile = {
        "user_id": [str(ANN)],
        "categories": pa.array([["a,b", 'say "x"', None, "{}", "\\", ""]], pa.list_(pa.string())),
        "sports": pa.array([[]], pa.large_list(pa.string())),
        "accepted_cryptos": pa.array([None], pa.list_(pa.string())),
        "platforms": pa.array([[("tiktok", '@ünï "x"')]], pa.map_(pa.string(), pa.string())),
        "portfolio": pa.array([[{"n": Decimal("1.10"), "t": moment, "ok": None, "f": 0.5}]]),
        "rate_per_post": pa.array([Decimal("1234.50")], pa.decimal128(30, 10)),
    }
    pq.write_table(pa.table(profile), folder / "influencer_profiles.parquet")
    assert load(settings, folder).rows == {"users": 1, "influencer_profiles": 1}
    assert one(
        postgres,
        "select id, rating, review_count, is_active, extract(epoch from created_at)::text, referral_code, avatar"
        " from users",
    ) == (ANN, Decimal("4.5"), 3, False, "1740798000.000001", "17", "a\tb\\N\r\n\"c'")
    assert one(
        postgres,
        "select categories, sports, accepted_cryptos, platforms, portfolio::text, rate_per_post"
        " from influencer_profiles",
    ) == (
        ["a,b", 'say "x"', None, "{}", "\\", ""],
        [],
        None,
        {"tiktok": '@ünï "x"'},
        '[{"f": 0.5, "n": 1.10, "t": "2025-03-01T12:00:00.000001+09:00", "ok": null}]',
        Decimal("1234.50"),
    )


def test_json_texts_array_literals_and_dictionaries_are_taken_as_well(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    roles = pa.array(["influencer"]).dictionary_encode()
    pq.write_table(users(id=[str(ANN)]).set_column(3, "role", roles), folder / "users.parquet")
    profile = {"user_id": [str(ANN)], "categories": ['{a,"b,c"}'], "platforms": ['{"x": 1.10}'], "bio": pa.nulls(1)}
    pq.write_table(pa.table(profile), folder / "influencer_profiles.parquet")
    load(settings, folder)
    found = one(postgres, "select categories, platforms::text, bio from influencer_profiles")
    assert found == (["a", "b,c"], '{"x": 1.10}', None)


def test_lists_of_ids_become_arrays_of_ids(settings: Settings, folder: Path, postgres: psycopg.Connection[Any]) -> None:
    """Three conversations: two people, nobody, two again; as texts and as sixteen bytes."""
    members = [[str(ANN), str(ANN)], [], [str(ANN)]]
    pq.write_table(pa.table({"participants": members}), folder / "conversations.parquet")
    load(settings, folder)
    raw = [[ANN.bytes], [], [ANN.bytes, ANN.bytes]]
    pq.write_table(pa.table({"participants": pa.array(raw, pa.list_(pa.binary(16)))}), folder / "conversations.parquet")
    load(settings, folder)
    found = postgres.execute("select participants from conversations").fetchall()
    assert sorted(len(members) for (members,) in found) == [0, 0, 1, 1, 2, 2]
    assert {member for (members,) in found for member in members} == {ANN}


def test_a_file_written_by_duckdb_with_its_own_types_goes_in(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    duckdb.sql(
        f"copy (select '{ANN}'::uuid as id, 'a' as email, 'x' as password_hash, 'N' as name, 'agent' as role,"
        f" 4.5::decimal(2, 1) as rating, '2025-01-01 00:00:00+00'::timestamptz as created_at)"
        f" to '{folder / 'users.parquet'}'"
    )
    load(settings, folder)
    assert one(postgres, "select id, rating from users") == (ANN, Decimal("4.5"))


def test_whole_numbers_may_come_as_floats(settings: Settings, folder: Path, postgres: psycopg.Connection[Any]) -> None:
    """As pandas writes integers with a gap among them."""
    pq.write_table(users(2, review_count=[3.0, None]), folder / "users.parquet")
    load(settings, folder)
    assert postgres.execute("select review_count from users order by email").fetchall() == [(3,), (None,)]


def test_rows_come_in_batches_and_all_arrive(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    count = 45_001
    ids = pa.array([uuid.UUID(int=number).bytes for number in range(count)], pa.binary(16))
    pq.write_table(users(count, id=ids), folder / "users.parquet", row_group_size=7_000)
    assert load(settings, folder).rows == {"users": count}
    assert one(postgres, "select count(distinct id), count(distinct email) from users") == (count, count)


# --- what is refused -----------------------------------------------------------------------------


def test_times_without_a_zone_are_refused(attempt: Callable[..., str]) -> None:
    for kind in (pa.timestamp("us"), pa.timestamp("ns"), pa.date32()):
        sentence = attempt(users(created_at=pa.array([None], kind)))
        assert "loading users.parquet: the column created_at holds times without a time zone" in sentence
        assert "Write them with one, like UTC, or say the zone: --timezone Europe/Berlin; nothing" in sentence


def test_a_time_as_text_is_read_as_in_csv(attempt: Callable[..., str]) -> None:
    sentence = attempt(users(2, created_at=["2025-01-01 10:00Z", "2025-01-01 10:00"]))
    assert "row 2, column created_at: '2025-01-01 10:00' has no time zone" in sentence


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("rating", pa.array([True])),
        ("is_active", pa.array([1])),
        ("name", pa.array([{"x": "secret"}])),
        ("name", pa.array([b"secret"])),
        ("id", pa.array([17])),
        ("review_count", pa.array([dt.date(2025, 1, 1)])),
    ],
)
def test_a_type_that_does_not_fit_is_refused_by_column(
    attempt: Callable[..., str], column: str, values: pa.Array
) -> None:
    table = users()
    table = table.drop([column]) if column in table.column_names else table
    sentence = attempt(table.append_column(column, values))
    assert f"the column {column} holds {values.type} where" in sentence


def test_a_list_of_lists_is_refused(attempt: Callable[..., str]) -> None:
    sentence = attempt(pa.table({"participants": [[[str(ANN)]]]}), "conversations.parquet")
    assert (
        "the column participants holds list<element: list<element: string>> where a list for uuid[] is needed"
        in sentence
    )


def test_a_fraction_of_a_microsecond_is_refused_by_row(attempt: Callable[..., str]) -> None:
    moments = pa.array([None, 1_000, 1_001], pa.timestamp("ns", "UTC"))
    sentence = attempt(users(3, created_at=moments))
    assert "row 3, column created_at: the value does not fit the column exactly" in sentence


def test_a_fraction_for_a_whole_number_is_refused_by_row(attempt: Callable[..., str]) -> None:
    assert "row 2, column review_count: the value does not" in attempt(users(2, review_count=[1.0, 1.5]))


def test_a_value_too_large_is_refused_by_row_and_column(attempt: Callable[..., str]) -> None:
    """The second row of the second batch."""
    count = 20_002
    values = pa.array([None] * (count - 1) + [Decimal("99.9")], pa.decimal128(5, 1))
    sentence = attempt(users(count, rating=values))
    assert "row 20002, column rating: '99.9' is too large for numeric(2,1)" in sentence


def test_a_line_break_in_a_value_does_not_mislead_the_row_number(attempt: Callable[..., str]) -> None:
    sentence = attempt(users(2, avatar=["a\nb\nc", None]).set_column(3, "role", pa.array(["agent", "secret"])))
    assert "row 2: it breaks the rule users_role_check" in sentence


def test_a_key_twice_and_a_broken_reference_are_refused_by_row(attempt: Callable[..., str]) -> None:
    assert "row 2: the value of id is there already" in attempt(users(2, id=[str(ANN), str(ANN)]))
    stray = pa.array([None, ANN.bytes], pa.binary(16))
    assert "row 2: referred_by names a row that the table users does not" in attempt(users(2, referred_by=stray))


def test_a_missing_value_is_refused_by_row(attempt: Callable[..., str]) -> None:
    table = users(2).set_column(2, "name", pa.array(["A", None]))
    assert "row 2: the column name is empty" in attempt(table)


def test_nul_characters_are_refused_by_row_in_texts_and_lists(attempt: Callable[..., str], folder: Path) -> None:
    assert "row 2, column avatar: it holds a NUL character" in attempt(users(2, avatar=["a", "secret\0"]))
    pq.write_table(users(id=[str(ANN)]), folder / "users.parquet")
    profile = pa.table({"user_id": [str(ANN)], "categories": [["secret\0"]]})
    assert "row 1, column categories: it holds a NUL" in attempt(profile, "influencer_profiles.parquet")


def test_bytes_that_are_not_utf_8_are_refused_by_row(attempt: Callable[..., str]) -> None:
    broken = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.array([0, 1, 2], pa.int32()).buffers()[1], pa.py_buffer(b"a\xff")]
    )
    assert "row 2, column avatar: it holds bytes that are not UTF-8" in attempt(users(2, avatar=broken))


def test_what_json_cannot_hold_is_refused_by_row(attempt: Callable[..., str]) -> None:
    for value in (float("nan"), b"secret"):
        table = pa.table({"type": ["t"], "name": ["n"], "conditions": [{"x": value}]})
        sentence = attempt(table, "reward_triggers.parquet")
        assert "row 1, column conditions: it holds" in sentence


def test_columns_are_held_against_the_table(attempt: Callable[..., str]) -> None:
    assert "the table users has no column 'nmae'. Did you mean name?" in attempt(users(nmae=["x"]))
    assert "it lacks the column name, which every row needs" in attempt(users().drop(["name"]))
    doubled = pa.table([*users().columns, pa.array(["x"])], names=[*users().column_names, "name"])
    assert "it has the column name more than once" in attempt(doubled)


@pytest.mark.parametrize("content", [b"", b"secret", b"PAR1secretPAR1"])
def test_a_damaged_file_is_refused(attempt: Callable[..., str], content: bytes) -> None:
    assert "loading users.parquet: it is not a whole Parquet file. Write or copy it again" in attempt(content)


def test_a_file_cut_off_in_the_middle_is_refused(attempt: Callable[..., str], folder: Path) -> None:
    """The end, which says where everything is, is whole; the pages are not."""
    pq.write_table(users(5_000), folder / "users.parquet", compression="zstd")
    content = bytearray((folder / "users.parquet").read_bytes())
    content[100:3_000] = b"\0" * 2_900
    assert "loading users.parquet: it is not a whole Parquet file" in attempt(bytes(content))


# --- exact or not at all -------------------------------------------------------------------------


def transactions(**columns: Any) -> pa.Table:
    count = len(next(iter(columns.values())))
    given = {"type": ["refund"] * count, "amount": pa.array([Decimal(1)] * count, pa.decimal128(15, 2)), **columns}
    return pa.table(given)


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (pa.array([Decimal("10.5000")], pa.decimal128(20, 4)), "10.50"),
        (pa.array([Decimal("10.5000")], pa.decimal256(60, 4)), "10.50"),
        (pa.array([Decimal("9999999999999.99")], pa.decimal256(76, 30)), "9999999999999.99"),
        (pa.array([Decimal("-7")], pa.decimal128(5, 0)), "-7.00"),
        (pa.array([Decimal("1.5")], pa.decimal32(4, 1)), "1.50"),
        (pa.array([Decimal("1.5")], pa.decimal64(10, 1)), "1.50"),
        (pa.array([7], pa.int64()), "7.00"),
        (pa.array(["1234.50"]), "1234.50"),
    ],
)
def test_a_decimal_that_the_column_can_keep_arrives_exactly(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any], values: pa.Array, kept: str
) -> None:
    pq.write_table(transactions(amount=values), folder / "transactions.parquet")
    load(settings, folder)
    assert one(postgres, "select amount::text from transactions") == (kept,)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (
            pa.array([None, Decimal("10.0050")], pa.decimal128(20, 4)),
            "row 2, column amount: '10.0050' is not a number of at most 2 decimals, as numeric(15,2) keeps it",
        ),
        (
            pa.array([Decimal("1"), Decimal("0.001")], pa.decimal256(60, 3)),
            "row 2, column amount: '0.001' is not a number of at most 2 decimals",
        ),
        (
            pa.array([Decimal("1"), Decimal("10000000000000.00")], pa.decimal128(20, 2)),
            "row 2, column amount: '10000000000000.00' is too large for numeric(15,2)",
        ),
        (
            pa.array([Decimal(1), Decimal(10) ** 70], pa.decimal256(76, 2)),
            "row 2, column amount: a value like '99999999999999999999999999999999...' is too large for numeric(15,2)",
        ),
        (pa.array([1, 10**14], pa.int64()), "row 2, column amount: a value like '999999999999999' is too large"),
        (
            pa.array([1234567.89], pa.float32()),
            "the column amount holds float, binary fractions, which are not exactly the decimals that numeric(15,2)",
        ),
        (pa.array([1.5], pa.float64()), "the column amount holds double, binary fractions"),
        (pa.array(["1.00", "1234.565"]), "row 2, column amount: '1234.565' is not a number of at most 2 decimals"),
    ],
)
def test_a_number_that_would_change_on_the_way_in_is_refused(
    attempt: Callable[..., str], values: pa.Array, found: str
) -> None:
    sentence = attempt(transactions(amount=values), "transactions.parquet")
    assert found in sentence
    assert "; nothing was loaded" in sentence


def test_a_float_so_large_that_its_last_digit_may_be_another_is_refused(attempt: Callable[..., str]) -> None:
    assert "row 1, column review_count: the value is a float too large" in attempt(
        users(review_count=pa.array([16777218.0], pa.float32()))
    )
    for value in (float("nan"), float("inf"), -float("inf")):
        assert "row 1, column review_count: the value" in attempt(users(review_count=[value]))
    sentence = attempt(users(review_count=[2147483648]))
    assert "row 1, column review_count: a value like '9999999999' is too large for integer" in sentence


@pytest.mark.parametrize("value", [-62_135_683_200_000_000, 253_402_300_800_000_000, -(2**62), 2**62])
def test_times_out_of_the_years_1_to_9999_are_refused_by_row(attempt: Callable[..., str], value: int) -> None:
    for zone in ("UTC", "America/Los_Angeles"):
        sentence = attempt(users(2, created_at=pa.array([0, value], pa.timestamp("us", zone))))
        assert "row 2, column created_at: a time lies outside the years 1 to 9999" in sentence
    seconds = pa.array([0, value], pa.timestamp("ms", "UTC"))
    assert "row 2, column created_at: the value does not fit the column exactly" in attempt(
        users(2, created_at=seconds)
    )


def test_days_out_of_the_years_1_to_9999_are_refused_by_row(attempt: Callable[..., str]) -> None:
    for day in (-719_530, 2_932_897, 2**31 - 1):
        table = pa.table(
            {
                "agent_id": [str(ANN)],
                "period": ["monthly"],
                "bonus_type": ["milestone"],
                "amount": [1],
                "period_start": pa.array([0], pa.date32()),
                "period_end": pa.array([day], pa.date32()),
            }
        )
        sentence = attempt(table, "agent_bonuses.parquet")
        assert "row 1, column period_end: the day lies outside the years 1 to 9999" in sentence


def test_json_with_a_time_that_no_calendar_has_is_refused(attempt: Callable[..., str]) -> None:
    far = pa.array([2**62], pa.timestamp("us", "UTC"))
    table = pa.table({"type": ["t"], "name": ["n"], "conditions": pa.StructArray.from_arrays([far], ["x"])})
    assert "row 1, column conditions: it holds a time outside" in attempt(table, "reward_triggers.parquet")


def test_times_without_a_zone_are_those_of_the_zone_that_is_said(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    local = [dt.datetime.fromisoformat("2026-01-05 14:30"), dt.datetime.fromisoformat("2026-06-05 14:30"), None]
    columns = {
        "created_at": pa.array(local, pa.timestamp("ns")),
        "last_login_at": pa.array([None, dt.date(2026, 6, 5), None]),
    }
    pq.write_table(users(3, **columns), folder / "users.parquet")
    load(settings, folder, options=Options(timezone="Europe/Berlin"))
    found = postgres.execute("select created_at, last_login_at from users order by email").fetchall()
    assert found == [
        (dt.datetime(2026, 1, 5, 13, 30, tzinfo=UTC), None),
        (dt.datetime(2026, 6, 5, 12, 30, tzinfo=UTC), dt.datetime(2026, 6, 4, 22, 0, tzinfo=UTC)),
        (None, None),
    ]


@pytest.mark.parametrize(
    ("local", "does"),
    [
        (dt.datetime.fromisoformat("2026-03-29 02:30"), "skip it"),
        (dt.datetime.fromisoformat("2026-10-25 02:30"), "show it twice"),
    ],
)
def test_a_time_that_is_no_one_moment_in_the_zone_is_refused(
    settings: Settings, folder: Path, local: dt.datetime, does: str
) -> None:
    pq.write_table(users(2, created_at=pa.array([None, local], pa.timestamp("us"))), folder / "users.parquet")
    with pytest.raises(LoadError, match=f"row 2, column created_at: .* in Europe/Berlin, whose clocks {does}"):
        load(settings, folder, options=Options(timezone="Europe/Berlin"))


def test_a_word_for_nothing_is_no_currency_here_either(attempt: Callable[..., str]) -> None:
    sentence = attempt(transactions(currency=["usd", "NULL"]), "transactions.parquet")
    assert "row 2, column currency: 'NULL' is no currency" in sentence


def test_a_text_too_long_by_spaces_is_refused(attempt: Callable[..., str]) -> None:
    """Postgres would cut them off without a word."""
    sentence = attempt(users(referral_code=["x" + " " * 20]))
    assert "row 1, column referral_code: a text of 21 characters is too long for character varying(20)" in sentence


def test_headings_in_capitals_and_nulls_where_there_is_a_default(
    settings: Settings, folder: Path, postgres: psycopg.Connection[Any]
) -> None:
    table = transactions(status=pa.array([None, "completed"]))
    pq.write_table(table.rename_columns([name.upper() for name in table.column_names]), folder / "transactions.parquet")
    report = load(settings, folder)
    assert one(postgres, "select count(*), count(status) from transactions") == (2, 1)
    assert report.notes == (
        "transactions.parquet: status is empty in 1 row, from row 1 on; null was loaded, the default 'pending' is for"
        " files without the column",
    )
