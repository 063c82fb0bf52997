"""Values that do not fit their Postgres columns, or only just."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from tests.support.duck import METRIC_KEYS, Duck, two_of_each

# Which table in Postgres each metric goes to.
PUBLISHED = {
    "agent_performance_metrics": "agent_performance_metrics",
    "agent_profile_summaries": "agent_profiles",
    "brand_reputations": "brand_reputations",
    "contact_engagement": "contact_engagement",
    "invite_template_usage": "invite_templates",
    "user_ratings": "users",
}


@dataclass(frozen=True)
class Column:
    """A column of numbers in Postgres: the largest value of its type, and the step to the next."""

    name: str
    largest: Decimal
    step: Decimal


def columns_of(postgres: psycopg.Connection, table: str) -> list[Column]:
    rows = postgres.execute(
        "select column_name, data_type, numeric_precision, numeric_scale from information_schema.columns"
        " where table_schema = 'public' and table_name = %s and data_type in ('integer', 'numeric')",
        [table],
    ).fetchall()
    return [
        Column(name, Decimal(2**31 - 1), Decimal(1))
        if kind == "integer"
        else Column(name, Decimal(10) ** (precision - scale) - Decimal(1).scaleb(-scale), Decimal(1).scaleb(-scale))
        for name, kind, precision, scale in rows
    ]


@pytest.fixture
def row(duck: Duck) -> dict[str, UUID]:
    """One row of each metric, all its numbers small."""
    keys = two_of_each(duck)
    duck.compute()
    return {metric: keys[metric][0] for metric in PUBLISHED}


def holding(duck: Duck, check: str, metric: str, row: UUID, column: str, value: Decimal) -> list[dict[str, object]]:
    """What a check finds while the metric's row holds `value` in that column."""
    statement = f"update metrics.{metric} set {column} = $1 where {METRIC_KEYS[metric]} = $2"
    duck.connection.execute(statement, [value, row])
    found = duck.found(check)
    duck.connection.execute(statement, [0, row])
    return found


def published_numbers(duck: Duck, postgres: psycopg.Connection) -> list[tuple[str, str, Column]]:
    """Each number that goes to Postgres: its metric, its table, its column there."""
    return [
        (metric, table, column)
        for metric, table in PUBLISHED.items()
        for column in columns_of(postgres, table)
        if column.name in duck.connection.table(f"metrics.{metric}").columns
    ]


def test_a_value_fits_up_to_the_last_one_its_column_in_postgres_takes(
    duck: Duck, postgres: psycopg.Connection, row: dict[str, UUID]
) -> None:
    numbers = published_numbers(duck, postgres)
    assert len(numbers) == 26
    for metric, table, column in numbers:
        # users.rating has a check beside its type.
        largest = Decimal("5.0") if (table, column.name) == ("users", "rating") else column.largest
        for sign in (1, -1):
            fits, beyond = sign * largest, sign * (largest + column.step)
            assert holding(duck, "values_too_large", metric, row[metric], column.name, fits) == []
            assert holding(duck, "values_too_large", metric, row[metric], column.name, beyond) == [
                {
                    **{"table_name": table, "column_name": column.name, "key": row[metric]},
                    **{"value": beyond, "largest": largest},
                }
            ]


def test_postgres_refuses_a_rating_beyond_five(postgres: psycopg.Connection) -> None:
    """What the limit of users.rating stands for."""
    insert = "insert into users (email, password_hash, name, role, rating) values ('a@b.c', 'x', 'Ada', 'agent', %s)"
    with pytest.raises(psycopg.errors.CheckViolation):
        postgres.execute(insert, [Decimal("5.1")])
    postgres.execute(insert, [Decimal("5.0")])


def test_a_value_beyond_four_fifths_of_its_columns_range_is_told(
    duck: Duck, postgres: psycopg.Connection, row: dict[str, UUID]
) -> None:
    for metric, table, column in published_numbers(duck, postgres):
        within = column.largest * 4 / 5 // column.step * column.step
        for sign in (1, -1):
            near = sign * (within + column.step)
            assert holding(duck, "values_nearly_too_large", metric, row[metric], column.name, sign * within) == []
            assert holding(duck, "values_nearly_too_large", metric, row[metric], column.name, near) == [
                {
                    **{"table_name": table, "column_name": column.name, "key": row[metric]},
                    **{"value": near, "largest": column.largest},
                }
            ]
