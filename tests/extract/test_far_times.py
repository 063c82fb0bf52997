"""Times before the year 1 and after 9999 stop nothing, and stand as text where Python has no such day.

Postgres keeps them from 4714 BC to 294276; a mistyped year is enough.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import polars as pl
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from si_analytics import charts, extract, formatting, refresh, sample
from si_analytics.compute import metrics
from si_analytics.definitions import contract
from si_analytics.query import warehouse as query_warehouse
from si_analytics.refresh import backfill
from si_analytics.reports import export, spreadsheets
from si_analytics.settings import Settings
from tests.support.commands import AS_OF, Si

ZONES = ("Pacific/Pago_Pago", "Pacific/Kiritimati")
TIMES = (
    *("4714-11-24 00:00:00+00 BC", "0001-12-31 23:59:59+00 BC", "0001-01-01 00:00:00+00 BC", "0001-01-01 00:00:00+00"),
    *("9999-12-31 23:59:59.999999+00", "10000-01-01 05:00:00+00", "294246-12-31 23:59:59.999999+00"),
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FIRST, LAST = (-62_135_596_800_000_000, 253_402_300_799_999_999)
"""Python's first and last microsecond."""


@pytest.fixture(scope="module", params=ZONES)
def far(
    request: pytest.FixtureRequest,
    create_database: Callable[..., str],
    schema_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Settings:
    """A marketplace in which some row of every column of time is far away; refreshed, its history filled."""
    home, url = tmp_path_factory.mktemp("far"), create_database(schema_template)
    made = Settings(
        _env_file=None,  # type: ignore[call-arg]
        postgres_url=url,  # type: ignore[arg-type]
        home=home,
        warehouse=home / "warehouse.duckdb",
        timezone=request.param,
    )
    sample.generate(made, scale=0.02)
    with psycopg.connect(url, autocommit=True) as postgres:
        postgres.execute("set session_replication_role = replica")
        for table in extract.tables():
            for column in contract.columns(table):
                if column.type.startswith("timestamp"):
                    spoil(postgres, table, column.name)
    refresh.run(made, as_of=datetime.fromisoformat(AS_OF))
    backfill.backfill(made, date(2026, 5, 1), date(2026, 5, 3))
    return made


def spoil(postgres: psycopg.Connection, table: str, column: str) -> None:
    """Give as many rows as there are far times one each; other rows for other columns."""
    statement = sql.SQL(
        "with numbered as (select ctid as place, row_number() over (order by md5(ctid::text || {named})) as number"
        " from {table} where {column} is not null) update {table} as target set {column} ="
        " (%(times)s::timestamptz[])[number] from numbered"
        " where target.ctid = numbered.place and number <= cardinality(%(times)s::timestamptz[])"
    ).format(named=sql.Literal(column), table=sql.Identifier("public", table), column=sql.Identifier(column))
    postgres.execute(statement, {"times": list(TIMES)})


def test_the_months_people_signed_up_in_stand_in_every_form(far: Settings, tmp_path: Path) -> None:
    """Two of the far signups fall into the first month of the year 1 by Greenwich's clock, or into one beside it."""
    with query_warehouse.connect(far) as warehouse:
        shown = [str(value) for value in formatting.values(warehouse.signup_cohorts()["cohort_month"].unique().sort())]
        page = export.dashboard(far, tmp_path / "dashboard.html").read_text(encoding="utf-8")
        assert charts.cohorts(warehouse.signup_cohorts(), top=500).data
        assert charts.cohorts(warehouse.signup_cohorts()).data
        if far.timezone == ZONES[0]:
            assert "0001-01-01" in shown
        ours = [month for month in shown if not month.startswith("2")]
        assert ours
        assert all(re.fullmatch(r"-?\d{4}-\d\d-01", month) for month in ours)
        assert [month for month in ours if f'"{month}"' not in page] == []
    (csv,) = (each for each in export.tables(far, tmp_path) if each.stem == "signup_cohorts")
    assert [month for month in ours if f"\n{month}," not in csv.read_text(encoding="utf-8")] == []


def test_a_workbook_holds_them_as_text_and_files_of_parquet_as_they_are(far: Settings, tmp_path: Path) -> None:
    (book,) = export.tables(far, tmp_path, export.TableFormat.xlsx)
    with zipfile.ZipFile(book) as opened, query_warehouse.connect(far) as warehouse:
        texts = opened.read("xl/sharedStrings.xml").decode()
        frame = warehouse.signup_cohorts()
    before = [value for value in formatting.values(frame["cohort_month"]) if isinstance(value, str)]
    assert before
    assert [month for month in set(before) if f">{month}<" not in texts] == []
    export.tables(far, tmp_path, export.TableFormat.parquet)
    assert pl.read_parquet(tmp_path / "signup_cohorts.parquet").equals(frame)


def test_every_table_of_the_warehouse_can_be_read_shown_and_written(far: Settings) -> None:
    """As a notebook shows it, and as text; the very last times are text already where polars would panic."""
    with query_warehouse.connect(far) as warehouse:
        frames = [warehouse.metric(name) for name in metrics.names()]
        frames += [warehouse.sql(f"from raw.{table}") for table in extract.tables()]
        frames += [warehouse.sql("from history.agent_leaderboard"), warehouse.checks()]
    for frame in frames:
        assert str(frame)
        assert frame._repr_html_()
        assert len(formatting.rows(frame)) == frame.height
        flat = frame.select(pl.exclude(pl.List(pl.String)))
        assert spreadsheets.csv(flat)
        assert spreadsheets.parquet(flat)
        assert spreadsheets.workbook([spreadsheets.Sheet("far", "-", flat, {})], {}, EPOCH)


def test_the_command_prints_them_in_every_form(far: Settings, si: Si, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SI_WAREHOUSE", str(far.warehouse))
    monkeypatch.setenv("SI_TIMEZONE", far.timezone)
    for form in ("table", "csv", "json"):
        for name in ("signup_cohorts", "contact_engagement", "agent_replies"):
            outcome = si(far)("metric", name, "--format", form)
            assert (outcome.code, outcome.err) == (0, "")
    found = {row["cohort_month"] for row in si(far)("metric", "signup_cohorts", "--format", "json").document}
    assert [month for month in found if not month.startswith("2")]
    assert si(far)("refresh").code == 0
    assert si(far)("doctor").code == 0


@given(st.one_of(st.integers(-(2**62), 2**62), st.integers(FIRST - 10**6, LAST + 10**6)), st.sampled_from(["us", "ms"]))
def test_a_time_is_python_s_own_or_the_text_polars_writes(count: int, unit: str) -> None:
    scaled = count // (1000 if unit == "ms" else 1)
    column = pl.Series([scaled, None], dtype=pl.Int64).cast(pl.Datetime(unit, "UTC"))  # type: ignore[arg-type]
    (value, none) = formatting.values(column)
    micro = scaled * (1000 if unit == "ms" else 1)
    assert none is None
    assert isinstance(value, datetime) == (FIRST <= micro <= LAST)
    if isinstance(value, datetime):
        assert (value - EPOCH) // MICROSECOND == micro
        return
    assert value == column.dt.strftime(spreadsheets.TIME_FORMAT)[0]


@given(st.integers(-2_500_000, 90_000_000))
def test_a_day_is_python_s_own_or_the_text_polars_writes(days: int) -> None:
    (value,) = formatting.values(pl.Series([days], dtype=pl.Int32).cast(pl.Date))
    if isinstance(value, date):
        assert value.toordinal() - date(1970, 1, 1).toordinal() == days
    else:
        assert not 1 <= days + date(1970, 1, 1).toordinal() <= date.max.toordinal()
        assert value == pl.Series([days], dtype=pl.Int32).cast(pl.Date).dt.strftime("%Y-%m-%d")[0]


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (-62_135_596_800_000_000, datetime(1, 1, 1, tzinfo=UTC)),
        (-62_135_596_800_000_001, "0000-12-31T23:59:59.999999+00:00"),
        (253_402_300_799_999_999, datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        (253_402_300_800_000_000, "+10000-01-01T00:00:00.000000+00:00"),
        (-210_866_803_200_000_000, "-4713-11-24T00:00:00.000000+00:00"),
        (9_223_371_244_799_999_999, "+294246-12-31T23:59:59.999999+00:00"),
    ],
)
def test_the_first_and_the_last_moments(count: int, shown: object) -> None:
    column = pl.Series("at", [count], dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
    assert formatting.values(column) == [shown]
    assert str(formatting.readable(pl.DataFrame([column])))
    assert spreadsheets.csv(pl.DataFrame([column])).decode().splitlines()[1].startswith(str(shown)[:10])


def test_a_workbook_shows_the_first_and_the_last_as_text() -> None:
    column = pl.Series("at", [-62_135_596_800_000_001, 0], dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
    book = spreadsheets.workbook([spreadsheets.Sheet("far", "-", pl.DataFrame([column]), {})], {}, EPOCH)
    with zipfile.ZipFile(BytesIO(book.data)) as opened:
        assert "0000-12-31T23:59:59.999999+00:00" in opened.read("xl/sharedStrings.xml").decode()
