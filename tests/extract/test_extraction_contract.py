"""What is expected of each table is held against the tables before they are read; one report lists what differs."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from si_analytics import extract, refresh
from si_analytics.definitions import contract, project
from si_analytics.errors import ExtractError
from si_analytics.refresh import Refresh
from si_analytics.settings import Settings
from tests.support import extractions
from tests.support.altering import altered
from tests.support.extractions import extraction


def refused(settings: Settings) -> str:
    with Refresh(settings) as one, pytest.raises(ExtractError) as caught:
        one.extract()
    assert not settings.warehouse.exists()
    return str(caught.value)


def test_a_schema_as_declared_differs_in_nothing(settings: Settings) -> None:
    with extraction(settings) as reading:
        assert {one.drift for one in reading.refresh().values()} == {""}


@pytest.mark.parametrize("table", extract.tables())
def test_the_declaration_of_a_source_the_schema_and_the_view_have_the_same_columns(
    postgres: psycopg.Connection, table: str
) -> None:
    """Types and nulls as the catalog has them; the view adds two, and shows a digest as a text."""
    expected = contract.columns(table)
    columns = (
        "select attname::text, format_type(atttypid, atttypmod), attnotnull from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum"
    )
    declared = {row[0]: contract.ReadColumn(*row) for row in postgres.execute(columns, [f"public.{table}"])}
    assert [declared[column.name] for column in expected] == list(expected)
    viewed = [(name, kind) for name, kind, _ in postgres.execute(columns, [f"analytics.source_{table}"])]
    marks = [("row_version", "xid"), ("row_place", "tid")]
    # A column that came later stands at the end: a view that stands takes more there alone.
    later, digests = project().sources[table].later, project().sources[table].digests
    kinds = {column.name: "text" if column.name in digests else column.type for column in expected}
    first = [(name, kind) for name, kind in kinds.items() if name not in later]
    assert viewed == first + marks + [(name, kind) for name, kind in kinds.items() if name in later]


@pytest.mark.parametrize("table", extract.tables())
def test_the_key_of_a_table_is_its_primary_key(postgres: psycopg.Connection, table: str) -> None:
    """By which the proof holds that equally many keys are the same keys."""
    found = postgres.execute(
        "select attname::text from pg_index inner join pg_attribute on attrelid = indrelid and attnum = any(indkey)"
        " where indrelid = %s::regclass and indisprimary",
        [f"public.{table}"],
    ).fetchall()
    assert found == [(extractions.key_of(table),)]


def test_all_that_differs_is_told_in_one_sentence(settings: Settings, postgres: psycopg.Connection) -> None:
    altered(
        postgres,
        "alter table users drop column avatar",
        "alter table users add column nickname text",
        "alter table transactions alter column amount type numeric",
        "alter table deals alter column amount type numeric(10, 3)",
        "alter table messages alter column created_at type timestamp",
        "alter table invites rename column method to way",
    )
    told = refused(settings)
    for part in (
        "users.avatar is missing",
        "users.nickname was added and is not read",
        "transactions.amount is numeric where numeric(15,2) is expected",
        "deals.amount is numeric(10,3) where numeric(10,2) is expected",
        "messages.created_at is timestamp without time zone where timestamp with time zone is expected",
        "invites.method is missing",
        "invites.way was added and is not read",
    ):
        assert part in told
    assert "\n" not in told
    assert told.index("invites.method is missing") < told.index("users.nickname was added")


def test_more_differences_than_a_sentence_holds_are_counted(settings: Settings, postgres: psycopg.Connection) -> None:
    altered(postgres, "alter table transactions alter column job_id type text")
    altered(postgres, *(f"alter table deals add column spare_{number} text" for number in range(12)))
    told = refused(settings)
    assert "transactions.job_id is text where uuid is expected" in told
    assert "; and 3 more" in told


def test_an_amount_without_precision_is_refused(settings: Settings, postgres: psycopg.Connection) -> None:
    altered(postgres, "alter table escrow_jobs alter column amount type numeric")
    assert "escrow_jobs.amount is numeric where numeric(15,2) is expected" in refused(settings)


def test_a_key_that_may_be_null_is_refused(settings: Settings, postgres: psycopg.Connection) -> None:
    altered(
        postgres,
        "alter table messages drop constraint messages_pkey cascade",
        "alter table messages alter column id drop not null",
    )
    assert "messages.id may be null" in refused(settings)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("alter table users add column nickname text", "users.nickname was added and is not read"),
        (
            "alter table users alter column name type varchar(500)",
            "users.name is character varying(500) where character varying(255) is expected",
        ),
        ("alter table users alter column name type text", "users.name is text where character varying(255) is"),
        ("alter table users alter column name drop not null", "users.name may be null"),
    ],
    ids=["added", "longer", "text", "nullable"],
)
def test_what_does_not_matter_to_reading_is_read_and_told(
    settings: Settings, postgres: psycopg.Connection, statement: str, told: str
) -> None:
    altered(postgres, statement)
    with extraction(settings, "users") as reading:
        reading.postgres.execute(
            "insert into users (email, password_hash, name, role) values ('a', '-', 'Ann', 'agent')"
        )
        assert told in reading.refresh()["users"].drift
        reading.assert_equal()


def test_more_digits_before_the_point_are_read_exactly(settings: Settings, postgres: psycopg.Connection) -> None:
    altered(postgres, "alter table transactions alter column amount type numeric(20, 2)")
    with extraction(settings, "transactions") as reading:
        for amount in ("999999999999999999.99", "-999999999999999999.98"):
            reading.postgres.execute("insert into transactions (type, amount) values ('refund', %s)", [amount])
        told = reading.refresh()["transactions"]
        assert (told.drift, str(told.money)) == (
            "transactions.amount is numeric(20,2) where numeric(15,2) is expected",
            "0.01",
        )
        reading.assert_equal()


@pytest.mark.parametrize(
    ("expected", "found", "read_as"),
    [
        ("character varying(20)", "text", "text"),
        ("text", "text", "text"),
        ("text[]", "text[]", "text[]"),
        ("numeric(15,2)", "numeric(15,2)", "numeric(15,2)"),
        ("numeric(15,2)", "numeric(38,2)", "numeric(38,2)"),
        ("numeric(15,2)", "numeric(39,2)", None),
        ("numeric(15,2)", "numeric(14,2)", "numeric(15,2)"),
        ("numeric(15,2)", "numeric(14,1)", "numeric(15,2)"),
        ("numeric(15,2)", "numeric(38,0)", None),
        ("numeric(15,2)", "numeric(18,3)", None),
        ("numeric(15,2)", "integer", "numeric(15,2)"),
        ("numeric(10,2)", "bigint", "numeric(21,2)"),
        ("numeric(15,2)", "numeric", None),
        ("numeric(15,2)", "double precision", None),
        ("integer", "smallint", "integer"),
        ("integer", "bigint", "bigint"),
        ("integer", "numeric(5,0)", None),
        ("timestamp with time zone", "timestamp(3) with time zone", "timestamp with time zone"),
        ("timestamp with time zone", "timestamp without time zone", None),
        ("timestamp with time zone", "date", None),
        ("uuid", "text", None),
        ("uuid[]", "text[]", None),
        ("boolean", "integer", None),
    ],
)
def test_which_types_arrive_exact_in_place_of_which(expected: str, found: str, read_as: str | None) -> None:
    """The found type is the bare one, as the catalog query gives it: letters of any kind are text."""
    assert contract.read_as(expected, contract.ReadColumn("here", "of a domain", True, found)) == read_as


def test_drift_is_recorded_and_does_not_stop_a_refresh(settings: Settings, postgres: psycopg.Connection) -> None:
    postgres.execute("alter table users add column nickname text")
    report = refresh.run(settings)
    drifts: dict[str, Any] = {one.table: one.drift for one in report.extracts if one.drift}
    assert drifts == {"users": "users.nickname was added and is not read"}
    with extractions.duck(settings) as opened:
        recorded = opened.sql("select table_name, drift from meta.extracts where drift <> ''").fetchall()
        assert recorded == [("users", "users.nickname was added and is not read")]
        assert not re.search("nickname", str(opened.table("raw.users").columns))
