"""What follows from a target and the DDL."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from si_analytics.definitions import ddl, project, targets
from si_analytics.definitions.owners import Owner
from si_analytics.definitions.targets import Target
from si_analytics.errors import DefinitionError
from tests import model
from tests.support.declared_targets import every, target, targets_of_today

TABLES = project().tables
TARGETS = targets_of_today()


@pytest.mark.parametrize("each", TARGETS, ids=lambda each: each.name)
def test_a_mean_of_nothing_is_written_as_0_where_that_is_the_default_and_never_on_a_board(each: Target) -> None:
    found = set(targets.zeros(each, TABLES[each.declared]))
    assert set(model.ZERO_BY_DEFAULT.get(each.name, ())) <= found
    assert not each.is_board or found == set()


def test_three_kinds_of_target_are_told_apart_by_table_and_owner() -> None:
    kinds = {
        (one.is_board, one.adds_rows, one.parent.name if one.parent else ""): one.name
        for one in map(target, ("conversion_funnels", "users", "brand_reputations", "contact_engagement"))
    }
    assert kinds == {
        (True, True, ""): "conversion_funnels",
        (False, False, ""): "users",
        (False, True, "brand"): "brand_reputations",
        (False, True, "contact"): "contact_engagement",
    }


def test_a_range_is_that_of_the_type_or_of_a_check_that_is_closer() -> None:
    found = {one.column: (one.largest, one.of_type) for one in targets.limits(target("users"), TABLES["users"])}
    assert found == {"rating": (Decimal(5), Decimal("9.9")), "review_count": (Decimal(2**31 - 1),) * 2}


def test_a_table_is_named_where_the_application_has_it() -> None:
    moved = target("users").within("Shop")
    assert (moved.schema, moved.label, moved.declared) == ("Shop", "Shop.users", "users")
    assert moved.relation.as_string(None) == '"Shop"."users"'
    board = target("conversion_funnels").within("Shop")
    assert (board.schema, board.declared) == ("analytics", "analytics.conversion_funnels")
    assert board.keys.as_string(None) == '"funnel", "breakdown", "breakdown_value", "stage_number"'
    assert board.changes.as_string(None) == '"pg_temp"."changes_conversion_funnels"'
    assert board.staging.as_string(None) == '"pg_temp"."staging_conversion_funnels"'


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"table": "public.nowhere"}, "no file declares the table nowhere. Declare it in sql/schema"),
        ({"columns": ("stars",)}, "the table declares no stars. It has id, email"),
        ({"columns": ()}, "it names no columns to write. Add: columns"),
        ({"origin": ("a", "b")}, "key and origin differ in number. Name each column of the key in the metric"),
        ({"key": ("name",)}, "no key of the table is made of name. Its primary key is id"),
        ({"every": None}, "nothing says whose rows they are. Add: every"),
        ({"every": every("agent")}, "a new row would lack email, password_hash, name, role, which may not be empty"),
    ],
)
def test_a_target_that_the_schema_does_not_bear_out_is_told_with_its_file(change: dict[str, Any], told: str) -> None:
    wrong = replace(target("users"), **change)
    with pytest.raises(DefinitionError) as raised:
        targets.require_declared(wrong, TABLES, "sql/metrics/user_ratings.sql")
    assert str(raised.value).startswith(f"publishing sql/metrics/user_ratings.sql to {wrong.table}: {told}")


def test_names_that_a_refresh_adds_and_values_that_cannot_be_compared_are_refused() -> None:
    text = "create table if not exists t (id uuid primary key, action text, parts json, at date, unique (id, at));\n"
    tables = {table.name: table for table in ddl.tables(text)}
    owner = Owner("row", "t", "id")
    refused = (
        (("id",), ("action",), owner, "a refresh needs the name action for itself"),
        (("id",), ("parts",), owner, "parts is json, which Postgres cannot compare. Declare it jsonb"),
        (("id", "at"), ("parts",), owner, "parts is json"),
        (("id", "at"), ("action",), owner, "a refresh needs the name action"),
    )
    for key, columns, one, told in refused:
        with pytest.raises(DefinitionError, match=told):
            targets.require_declared(Target("t", "m", "public.t", key, columns, every=one), tables, "m.sql")


def test_one_row_of_each_is_keyed_by_one_column() -> None:
    several = replace(target("conversion_funnels"), every=every("user"))
    with pytest.raises(DefinitionError, match="every user has one row, but the key has 4 columns"):
        targets.require_declared(several, TABLES, "sql/metrics/conversion_funnels.sql")
