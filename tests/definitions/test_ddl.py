"""What the files declare, as one parser reads it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from si_analytics import schema
from si_analytics.definitions import Script, ddl, project
from si_analytics.errors import DefinitionError, UnknownNameError
from si_analytics.schema import ddl as shape

TEXTS = tuple(script.text for script in (*project().schema.values(), *project().views.values()))
TABLES = project().tables

# Written over several lines, which only a parser reads as a list.
LISTED_BELOW = {("social_accounts", "platform"), ("transactions", "type"), ("escrow_jobs", "status")}


@pytest.mark.parametrize("space", ["public", "analytics"])
def test_every_declared_column_is_the_one_that_a_database_has(postgres: psycopg.Connection[Any], space: str) -> None:
    """Name, type in the server's words, and whether it may be empty."""
    found = postgres.execute(
        "select pg_class.relname, attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute"
        " inner join pg_class on attrelid = pg_class.oid where relnamespace = %s::regnamespace and relkind = 'r'"
        " and attnum > 0 and not attisdropped order by 1, attnum",
        [space],
    ).fetchall()
    tables = {name.rpartition(".")[2]: table for name, table in TABLES.items() if ("." in name) == (space != "public")}
    said = [(name, one.name, one.type, one.not_null) for name in sorted(tables) for one in tables[name].columns]
    assert said == found


def test_what_may_stand_in_a_column_is_said_in_words() -> None:
    invites = TABLES["invites"]
    assert invites.column("method").one_of == ("sms", "email", "both")
    assert invites.column("agent_id").facts == "names a row of users, never empty"
    assert invites.column("opened_at").facts == ""
    assert TABLES["deals"].remark.startswith("Confirmed collaborations between")
    assert all(TABLES[table].remark for table in schema.tables())


def test_a_list_over_several_lines_is_read_whole() -> None:
    found = {(table.name, column.name): column.one_of for table in TABLES.values() for column in table.columns}
    assert found["social_accounts", "platform"] == ("instagram", "tiktok", "youtube", "twitter", "facebook")
    assert all(len(found[place]) > 4 for place in LISTED_BELOW)


@pytest.mark.parametrize("script", shape.scripts(), ids=lambda script: script.name)
def test_a_script_is_told_apart_into_statements_without_loss(script: Script) -> None:
    assert "".join(one.text for one in ddl.statements(script.text)).strip() == script.text.strip()


def test_a_semicolon_in_a_comment_a_text_or_a_body_ends_no_statement() -> None:
    text = (
        "-- a; b\ncreate table if not exists a (b text default 'c;d' -- e;\n);\n"
        "create or replace function f() returns void language plpgsql as $$ begin; end; $$;\n"
    )
    assert [(one.kind, one.name) for one in ddl.statements(text)] == [("table", "a"), ("function", "f")]
    assert "".join(one.text for one in ddl.statements(text)) == text


def test_a_statement_that_creates_nothing_is_told_with_its_text() -> None:
    with pytest.raises(DefinitionError, match="a statement creates nothing: drop table users"):
        ddl.statements("drop table users;\n")


def test_everything_that_is_said_of_a_column_is_kept() -> None:
    rating, email = TABLES["users"].column("rating"), TABLES["users"].column("email")
    assert (rating.type, rating.default, rating.minimum, rating.maximum) == ("numeric(2,1)", "0", 0, 5)
    assert (rating.largest, rating.unique) == (Decimal("9.9"), False)
    assert (email.not_null, email.unique, email.default) == (True, True, None)
    assert TABLES["users"].column("stripe_verification_status").default == "'not_started'"
    assert TABLES["user_balances"].primary_key == ("user_id", "currency")
    assert not any(TABLES["user_balances"].column(name).unique for name in ("user_id", "currency"))
    assert TABLES["matches"].unique == (("user_id", "target_id", "gig_id"),)


def test_constraints_of_the_table_and_names_in_quotes_are_read() -> None:
    (table,) = ddl.tables(
        'create table if not exists shop."Order" (\n    id integer,\n    "select" numeric(6),\n    x numeric,\n'
        "    at timestamp(3) with time zone not null,\n    on_day date null,\n    y double precision,\n"
        "    constraint known unique (x),\n    constraint keyed primary key (id)\n);\n"
    )
    assert (table.name, table.primary_key, table.unique) == ("shop.Order", ("id",), (("x",),))
    assert [(one.name, one.type, one.not_null) for one in table.columns] == [
        ("id", "integer", True),
        ("select", "numeric(6,0)", False),
        ("x", "numeric", False),
        ("at", "timestamp(3) with time zone", True),
        ("on_day", "date", False),
        ("y", "double precision", False),
    ]
    assert table.column("x").unique


def test_one_table_is_found_among_the_files_and_no_other_is_parsed() -> None:
    assert ddl.table(TEXTS, "deals") == TABLES["deals"]
    assert ddl.table(TEXTS, "analytics.samples").primary_key == ("scale", "seed", "generator")
    with pytest.raises(UnknownNameError, match="no file of sql/schema or sql/views declares it"):
        ddl.table(TEXTS, "nowhere")
    with pytest.raises(UnknownNameError, match=r"column deals\.price: .* It has id, gig_id"):
        TABLES["deals"].column("price")
