"""Every table, column, type, default, check, key, index and view that the schema document names stands as it says.

The facts of the document are the data in fixtures/schema_document.json; what stands is read from Postgres's own
catalogs by queries of this file, which share nothing with the library.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from si_analytics import schema
from si_analytics.settings import Settings
from tests.support.folders import TESTS
from tests.support.outside import OutsideServer

FACTS: dict[str, Any] = json.loads((TESTS / "fixtures" / "schema_document.json").read_text())

COLUMNS = """
    select concat_ws(
        ' ',
        a.attname,
        format_type(a.atttypid, a.atttypmod),
        case when a.attnotnull then 'not null' end,
        'default ' || pg_get_expr(d.adbin, d.adrelid)
    )
    from pg_attribute as a
    left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped
    order by a.attnum
"""
CONSTRAINTS = (
    "select contype::text, conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass"
)
INDEXES = """
    select
        i.relname,
        concat(t.relname, ' ', regexp_replace(pg_get_indexdef(x.indexrelid), '^.* USING ', '')),
        x.indisunique
    from pg_index as x
    join pg_class as i on i.oid = x.indexrelid
    join pg_class as t on t.oid = x.indrelid
    where
        t.relnamespace = 'public'::regnamespace
        and x.indexrelid not in (select conindid from pg_constraint where contype in ('p', 'u'))
"""
REVIEWS = {
    "columns": [
        "id uuid not null default uuid_generate_v4()",
        "deal_id uuid",
        "reviewer_id uuid not null",
        "reviewed_user_id uuid not null",
        "rating numeric(2,1) not null",
        "payment_speed_rating numeric(2,1)",
        "communication_rating numeric(2,1)",
        "professionalism_rating numeric(2,1)",
        "comment text",
        "created_at timestamp with time zone default now()",
        "updated_at timestamp with time zone default now()",
    ],
    "keys": [
        "foreign key (deal_id) references deals (id) on delete cascade",
        "foreign key (reviewed_user_id) references users (id) on delete cascade",
        "foreign key (reviewer_id) references users (id) on delete cascade",
        "primary key (id)",
        "unique (deal_id, reviewer_id, reviewed_user_id)",
    ],
    "checks": [
        "communication_rating >= 1 and communication_rating <= 5",
        "payment_speed_rating >= 1 and payment_speed_rating <= 5",
        "professionalism_rating >= 1 and professionalism_rating <= 5",
        "rating >= 1 and rating <= 5",
        "reviews_another_user: reviewer_id <> reviewed_user_id",
    ],
}
TABLES = FACTS["tables"] | {"user_reviews": REVIEWS}


@pytest.fixture(scope="module", params=["embedded", "outside"])
def built(request: pytest.FixtureRequest, create_database: Callable[..., str]) -> Iterator[psycopg.Connection]:
    """A connection on a database that the schema was applied to: on our own server, and on another's."""
    if request.param == "embedded":
        url = create_database()
    else:
        outside: OutsideServer = request.getfixturevalue("outside_server")
        url = outside.url_of(outside.create_database())
    schema.apply(Settings(_env_file=None, postgres_url=url))  # type: ignore[arg-type, call-arg]
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def texts(connection: psycopg.Connection, query: str, relation: str) -> list[str]:
    return [text for (text,) in connection.execute(query, [relation]).fetchall()]


def plain_check(name: str, definition: str) -> str:
    """``role in (agent, admin)`` for a list of values, else the bare comparison; a name the document gave is kept."""
    values = re.match(r"CHECK \(\(+(\w+)\)::text = ANY", definition)
    if values:
        listed = re.findall(r"'([^']*)'", definition)
        return f"{values.group(1)} in ({', '.join(listed)})"
    bare = re.sub(r"::\w+|[()]", "", definition.removeprefix("CHECK ")).lower()
    return bare if name.endswith("_check") else f"{name}: {bare}"


def plain_key(definition: str) -> str:
    return re.sub(r"(references \w+)\(", r"\1 (", definition.lower())


def test_the_facts_are_those_of_the_whole_document() -> None:
    """41 tables and 130 indexes, as many as the document has `create` statements for; 18 tables have updated_at."""
    columns = [column.split(" ")[0] for table in FACTS["tables"].values() for column in table["columns"]]
    assert (len(FACTS["tables"]), len(FACTS["indexes"]), columns.count("updated_at")) == (41, 130, 18)


def test_the_tables_are_those_of_the_document_and_user_reviews(built: psycopg.Connection) -> None:
    found = built.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    assert {name for (name,) in found} == set(TABLES) == set(schema.tables())
    assert len(schema.tables()) == 42


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_columns_types_and_defaults_of_the_document_in_its_order(
    built: psycopg.Connection, table: str
) -> None:
    assert texts(built, COLUMNS, table) == TABLES[table]["columns"]


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_keys_of_the_document(built: psycopg.Connection, table: str) -> None:
    found = [plain_key(text) for kind, _, text in built.execute(CONSTRAINTS, [table]).fetchall() if kind in "puf"]
    assert sorted(found) == sorted(TABLES[table]["keys"])


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_checks_of_the_document(built: psycopg.Connection, table: str) -> None:
    found = [
        plain_check(name, text) for kind, name, text in built.execute(CONSTRAINTS, [table]).fetchall() if kind == "c"
    ]
    assert sorted(found) == sorted(TABLES[table]["checks"])


def test_the_indexes_are_those_of_the_document_by_name_table_method_columns_and_condition(
    built: psycopg.Connection,
) -> None:
    expected = dict(FACTS["indexes"])
    expected["idx_agent_leaderboard_rank"] = expected.pop("(unnamed)")
    expected |= {f"idx_user_reviews_{column}": f"user_reviews btree ({column})" for column in
                 ("reviewed_user_id", "reviewer_id", "deal_id")}  # fmt: skip
    found = {name: text for name, text, unique in built.execute(INDEXES).fetchall() if not unique}
    ours = {"idx_brand_leaderboard_rank": "brand_leaderboard btree (rank)"}
    assert {name: _plain_index(text) for name, text in found.items()} == expected | ours


def _plain_index(text: str) -> str:
    columns, _, condition = text.partition(" WHERE ")
    return columns.replace("DESC", "desc") + (f" where {condition.strip('()')}" if condition else "")


def test_each_table_with_updated_at_has_its_trigger(built: psycopg.Connection) -> None:
    """19: the 18 of the document and user_reviews; the two names the document writes out are among them."""
    found = {name for (name,) in built.execute("select tgname from pg_trigger where not tgisinternal").fetchall()}
    having = [table for table in TABLES if any(c.startswith("updated_at ") for c in TABLES[table]["columns"])]
    assert found == {f"update_{table}_updated_at" for table in having}
    assert len(found) == 19
    assert set(FACTS["triggers"]) <= found


@pytest.mark.parametrize("view", FACTS["views"])
def test_a_view_has_the_columns_and_types_of_the_document_in_its_order(built: psycopg.Connection, view: str) -> None:
    assert texts(built, COLUMNS, view) == FACTS["views"][view]


@pytest.mark.parametrize("view", ["agent_leaderboard", "brand_leaderboard", "conversion_funnels"])
def test_a_materialized_view_is_filled_and_can_be_refreshed_while_others_read(
    built: psycopg.Connection, view: str
) -> None:
    assert built.execute(f"select count(*) from {view}").fetchone() == (0,)
    built.execute(f"refresh materialized view concurrently {view}")


def test_a_key_that_is_not_given_is_a_random_uuid(built: psycopg.Connection) -> None:
    ids = {str(built.execute("select uuid_generate_v4()").fetchone()[0]) for _ in range(3)}  # type: ignore[index]
    assert len(ids) == 3
    assert {text[14] for text in ids} == {"4"}
