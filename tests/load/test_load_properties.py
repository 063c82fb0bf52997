"""Whatever is written, it is loaded as exactly that or refused: drawn values against plain Python."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zoneinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
from hypothesis import HealthCheck, example, given
from hypothesis import settings as drawing
from hypothesis import strategies as st

from si_analytics.load import Options, load, moments, zones
from si_analytics.load.amounts import numbers
from si_analytics.load.target import LoadColumn
from si_analytics.load.unfit import Unfit
from si_analytics.settings import Settings
from tests.support.dumps import rows

MONEY = LoadColumn("amount", "numeric(15,2)", "numeric", False, "numeric(15,2)", open=True)
WHOLE = LoadColumn("count", "integer", "integer", False, "integer", open=True)
MOMENT = LoadColumn("created_at", "timestamp with time zone", "timestamp with time zone", False, open=True)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "Etc/GMT+5")

DIGITS = st.text(st.sampled_from("0123456789"), min_size=1, max_size=8)
WRITTEN = st.one_of(
    st.builds("{}{}.{}".format, st.sampled_from(["", "-", "+"]), DIGITS, DIGITS),
    st.builds("{}{}".format, st.sampled_from(["", "-"]), DIGITS),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.floats().map(repr),
    st.text(st.sampled_from("0123456789.,-+eE _'"), max_size=9),
)


@drawing(max_examples=400)
@given(WRITTEN, st.sampled_from([None, "."]))
@example("1234.565", None)
@example("1.500", None)
@example("1e-3", None)
def test_an_amount_is_the_decimal_that_is_written_or_refused(text: str, decimal: str | None) -> None:
    try:
        made = numbers(MONEY, Options(decimal=decimal))(pl.Series([text]))[0]
    except Unfit:
        return
    plain = text.replace(",", "") if decimal == "." else text
    assert Decimal(made) == Decimal(plain)
    assert Decimal(made) == round(Decimal(made), 2)
    assert abs(Decimal(made)) < 10**13


@given(st.decimals(-(10**13) + 1, 10**13 - 1, places=2))
def test_every_amount_that_the_column_can_keep_is_taken(value: Decimal) -> None:
    written = f"{value:f}"
    assert Decimal(numbers(MONEY, Options())(pl.Series([written]))[0]) == value
    german = f"{value:,f}".translate(str.maketrans(",.", ".,"))
    assert Decimal(numbers(MONEY, Options(decimal=","))(pl.Series([german]))[0]) == value


@given(WRITTEN)
def test_a_whole_number_is_the_one_that_is_written_or_refused(text: str) -> None:
    try:
        made = numbers(WHOLE, Options())(pl.Series([text]))[0]
    except Unfit:
        return
    assert made == Decimal(text)
    assert -(2**31) <= made < 2**31


LOCAL = st.datetimes(dt.datetime.fromisoformat("0001-02-01"), dt.datetime.fromisoformat("9999-11-30"))


@drawing(max_examples=300, deadline=None)
@given(LOCAL.filter(lambda time: 1900 < time.year < 2100), st.sampled_from(ZONES))
@example(dt.datetime.fromisoformat("2026-03-29 02:30"), "Europe/Berlin")
@example(dt.datetime.fromisoformat("2026-10-25 02:30"), "Europe/Berlin")
@example(dt.datetime.fromisoformat("2026-04-05 01:45"), "Australia/Lord_Howe")
def test_a_local_time_is_the_one_moment_it_is_in_its_zone(local: dt.datetime, zone: str) -> None:
    """Python's own reading: twice where the two folds differ, skipped where neither comes back to the same time."""
    tz = zoneinfo.ZoneInfo(zone)
    readings = {local.replace(tzinfo=tz, fold=fold).astimezone(dt.UTC) for fold in (0, 1)}
    real = {reading for reading in readings if reading.astimezone(tz).replace(tzinfo=None) == local}
    made, verdict = zones.moments(pl.Series([local], dtype=pl.Datetime("us")), zone)
    if len(real) == 1:
        assert made.to_list() == list(real)
        assert verdict.to_list() == [None]
    else:
        assert made.to_list() == [None]
        assert verdict.to_list() == [zones.TWICE if real else zones.SKIPPED]


OFFSETS = st.integers(-15 * 60, 15 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
FORMS = (
    lambda time: time.isoformat(),
    lambda time: time.isoformat(" "),
    lambda time: str(time.astimezone(dt.UTC)).replace("+00:00", "Z"),
    lambda time: re.sub(r":(\d\d)$", r"\1", time.isoformat(" ")),
)


@drawing(max_examples=300)
@given(LOCAL, OFFSETS, st.sampled_from(FORMS))
def test_a_time_with_an_offset_is_that_moment(local: dt.datetime, offset: dt.timezone, form: Any) -> None:
    moment = local.replace(tzinfo=offset)
    made = moments.moments(MOMENT, Options())(pl.Series([form(moment)]))
    assert made.to_list() == [moment.astimezone(dt.UTC)]


@given(LOCAL, st.sampled_from(["day-first", "month-first"]), st.sampled_from("./-"))
def test_a_day_written_first_is_the_same_day(local: dt.datetime, order: str, mark: str) -> None:
    first, second = (local.day, local.month) if order == "day-first" else (local.month, local.day)
    written = f"{first}{mark}{second}{mark}{local.year:04d} {local.hour}:{local:%M:%S.%f}Z"
    made = moments.moments(MOMENT, Options(dates=order))(pl.Series([written]))
    assert made.to_list() == [local.replace(tzinfo=dt.UTC)]


@drawing(max_examples=400)
@given(st.text(st.sampled_from("0123456789-:.TZ +/PM"), max_size=24))
@example("05.06.26")
@example("2026-06-05")
def test_what_is_taken_for_a_time_begins_with_four_digits_and_ends_with_a_zone(text: str) -> None:
    try:
        made = moments.moments(MOMENT, Options())(pl.Series([text]))
    except Unfit:
        return
    assert re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text.strip())
    assert re.search(r"(Z|[+-]\d\d(:?\d\d){0,2})$", text.strip())
    assert made.null_count() == 0


def test_hundreds_of_drawn_rows_arrive_in_the_database_as_they_were(
    settings: Settings, tmp_path: Path, postgres: psycopg.Connection[Any]
) -> None:
    """Texts of any letters, amounts to the cent, moments to the microsecond, through a file and back."""
    texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
    row = st.tuples(texts, st.decimals(-(10**9), 10**9, places=2), LOCAL, OFFSETS)

    @drawing(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(row, min_size=150, max_size=150))
    def arrive(drawn: list[tuple[str, Decimal, dt.datetime, dt.timezone]]) -> None:
        postgres.execute("delete from transactions")
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL)
        writer.writerow(["type", "description", "fee", "amount", "created_at"])
        expected = []
        for number, (words, amount, local, offset) in enumerate(drawn):
            moment = local.replace(tzinfo=offset)
            writer.writerow(["refund", words, str(number), f"{amount:f}", moment.isoformat()])
            expected.append((words, amount, moment.astimezone(dt.UTC)))
        (tmp_path / "transactions.csv").write_bytes(text.getvalue().encode())
        load(settings, tmp_path, options=Options(decimal="."))
        assert rows(postgres, "select description, amount, created_at from transactions order by fee") == expected

    arrive()
