"""What a comparison says, applied to A, gives B; and nothing is said of what is equal."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from si_analytics.errors import UsageError
from si_analytics.query import diff, frame_differences
from si_analytics.settings import Settings
from si_analytics.warehouse.versions import Kept

METRIC = "signup_cohorts"  # for its key of two columns, cohort_month and months_since; what else it holds is drawn
KEYS = ("cohort_month", "months_since")
COLUMNS = {
    "money": "decimal(38, 2)",
    "rate": "decimal(18, 6)",
    "number": "bigint",
    "label": "varchar",
    "moment": "timestamptz",
    "tags": "varchar[]",
}
AS_OF = datetime(2026, 6, 1, tzinfo=UTC)

MONEY = st.sampled_from([None, *map(Decimal, ("0.00", "-0.01", "12.50", "12.51", "999999999999999999999999999999.99"))])
VALUES = st.fixed_dictionaries(
    {
        "money": MONEY,
        "rate": st.sampled_from([None, Decimal("0.333333"), Decimal("1.000000")]),
        "number": st.sampled_from([None, 0, -(2**63), 2**63 - 1]),
        "label": st.sampled_from([None, "", "a", "b"]),
        "moment": st.sampled_from([None, AS_OF, AS_OF - timedelta(microseconds=1)]),
        "tags": st.sampled_from([None, [], ["x"], ["x", "y"]]),
    }
)
KEY = st.tuples(st.sampled_from(["2026-01", "2026-02", None]), st.sampled_from([0, 1, 2]))
Table = dict[tuple[Any, ...], dict[str, Any]]
TABLES = st.dictionaries(KEY, VALUES, max_size=6)


def written(folder: Path, number: int, table: Table) -> Kept:
    """A file with the metric as drawn."""
    path = folder / f"{number}.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("create schema metrics")
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        connection.execute(f"create table metrics.{METRIC} (cohort_month varchar, months_since integer, {columns})")
        for key, values in table.items():
            connection.execute(
                f"insert into metrics.{METRIC} values (?, ?, ?, ?, ?, ?, ?, ?)", [*key, *map(values.get, COLUMNS)]
            )
    # No drawn moment is that of the refresh in every row, so no column restates it.
    moment = AS_OF + timedelta(days=number)
    return Kept(number, UUID(int=number), moment, moment, "usd", "UTC", path)


def text(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    return None if value is None else str(value)


def as_text(table: Table) -> dict[tuple[Any, ...], dict[str, str | None]]:
    return {key: {name: text(value) for name, value in values.items()} for key, values in table.items()}


@given(before=TABLES, after=TABLES, same=st.sets(KEY))
@hypothesis_settings(max_examples=25, deadline=None)
def test_the_cells_that_differ_applied_to_a_give_b(before: Table, after: Table, same: set[tuple[Any, ...]]) -> None:
    """Rows of the keys in `same` are as before, so that there is something equal as well."""
    after = {**after, **{key: before[key] for key in same if key in before}}
    with tempfile.TemporaryDirectory() as folder:
        a, b = written(Path(folder), 1, before), written(Path(folder), 2, after)
        told = diff.changes(Settings(_env_file=None), a, b, METRIC)  # type: ignore[call-arg]
    applied, expected = as_text(before), as_text(after)
    for row in told.iter_rows(named=True):
        key, column = tuple(row[name] for name in KEYS), row["column"]
        if row["change"] == "added":
            assert key not in before
            applied.setdefault(key, {})[column] = row["value_b"]
        elif row["change"] == "removed":
            assert row["value_a"] == text(before[key][column])
            assert key not in after
            applied.pop(key, None)
        else:
            assert row["value_a"] == applied[key][column] != row["value_b"]
            applied[key][column] = row["value_b"]
        numbers = [None if table.get(key) is None else table[key][column] for table in (before, after)]
        exact = None not in numbers and column in ("money", "rate", "number")
        with localcontext(prec=60):
            assert row["difference"] == (Decimal(numbers[1]) - Decimal(numbers[0]) if exact else None)  # type: ignore[arg-type]
    assert applied == expected
    order = [tuple(row[name] for name in KEYS) for row in told.iter_rows(named=True)]
    assert order == sorted(order, key=lambda key: (key[0] is None, key))


ROWS = st.lists(st.tuples(st.sampled_from("ab"), MONEY, st.sampled_from(["x", None])), max_size=8)


@given(before=ROWS, after=ROWS)
@hypothesis_settings(max_examples=100, deadline=None)
def test_rows_that_share_a_key_are_each_accounted_for(
    before: list[tuple[Any, ...]], after: list[tuple[Any, ...]]
) -> None:
    schema = {"key": pl.String, "money": pl.Decimal(38, 2), "label": pl.String}
    frames = [pl.DataFrame(rows, schema=schema, orient="row") for rows in (before, after)]
    difference = frame_differences.pair(*frames, ("key",), ("money", "label"))
    applied = Counter(before)
    for change, *row in difference.rows().select("change", *schema).iter_rows():
        applied[tuple(row)] += 1 if change in ("added", "changed to") else -1
    assert +applied == Counter(after)
    assert min(applied.values(), default=0) >= 0
    with localcontext(prec=60):
        sums = [sum((row[1] for row in rows if row[1] is not None), Decimal()) for rows in (before, after)]
        assert difference.total("money") == sums[1] - sums[0]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        pytest.param(("-" + "9" * 36 + ".99", "9" * 36 + ".99"), pl.Decimal(38, 2), id="the difference is too long"),
        pytest.param(("1.00", "9" * 36 + ".99"), pl.Decimal(38, 2), id="a number is too long with six decimals"),
    ],
)
def test_a_difference_of_more_than_38_digits_is_told_in_one_sentence_and_its_total_is_exact(
    values: tuple[str, str], kind: pl.DataType
) -> None:
    frames = [
        pl.DataFrame(
            {"key": ["a", "b"], "money": [Decimal(money)] * 2, "rate": [rate] * 2},
            schema={"key": pl.String, "money": kind, "rate": pl.Decimal(18, 6)},
        )
        for money, rate in zip(values, (Decimal("0.000001"), Decimal("0.000002")), strict=True)
    ]
    difference = frame_differences.pair(*frames, ("key",), ("money", "rate"))
    with pytest.raises(UsageError, match="money: one has more than 38 digits, 6 of them decimals") as told:
        difference.cells()
    assert len(str(told.value).splitlines()) == 1
    with localcontext(prec=60):
        assert difference.total("money") == 2 * (Decimal(values[1]) - Decimal(values[0]))
    assert difference.rows().height == 4
