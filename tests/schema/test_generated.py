"""What the schema has because something is extracted or published, made from those declarations."""

from __future__ import annotations

from typing import Any

import psycopg
import sqlglot
from sqlglot import expressions as exp

from si_analytics import schema
from si_analytics.definitions import project, targets
from si_analytics.schema import generated, roles
from si_analytics.schema.generated import Read
from si_analytics.settings import Settings
from tests.support.declared_targets import target, targets_of_today

SOURCES = generated.reads(project())
BOARDS = targets.boards(targets_of_today())

# Written by hand: they follow from no source and no target.
BY_HAND = {
    ("si_reader", "usage", "", "analytics"),
    ("si_publisher", "usage", "", "analytics"),
    ("si_publisher", "execute", "", "analytics.refresh_view"),
    ("si_reader", "select", "", "analytics.refreshes"),
    *(("si_publisher", privilege, "", "analytics.refreshes") for privilege in ("select", "insert", "update")),
}

_RIGHTS = """
select 'table', relation.relname, acl.grantee::regrole::text, acl.privilege_type
from pg_class as relation, aclexplode(relation.relacl) as acl
where acl.grantee <> 0 and acl.grantee::regrole::text like 'si_%'
union all
select attribute.attname, attribute.attrelid::regclass::text, acl.grantee::regrole::text, acl.privilege_type
from pg_attribute as attribute, aclexplode(attribute.attacl) as acl
where acl.grantee <> 0 and acl.grantee::regrole::text like 'si_%'
"""


def granted(text: str) -> set[tuple[str, str, str, str]]:
    """Each role, privilege, column (none for the whole) and relation, however the statements put them together."""
    found = set()
    for tree in sqlglot.parse(text, read="postgres"):
        for one in _single(tree) if isinstance(tree, exp.Command) else [tree]:
            if isinstance(one, exp.Grant):
                role, place = one.args["principals"][0].name, one.args["securable"]
                relation = f"{place.db}.{place.this.name}" if place.db else place.name
                for privilege in one.args["privileges"]:
                    columns = [column.name for column in privilege.expressions] or [""]
                    found |= {(role, privilege.name.lower(), column, relation) for column in columns}
    return found


def _single(command: exp.Command) -> list[exp.Expr]:
    """One grant for each relation of a grant on several, which SQLGlot does not read."""
    if command.name.lower() != "grant":
        return []
    privileges, _, rest = str(command.expression).partition(" on\n")
    relations, _, role = rest.rpartition("to ")
    return [
        sqlglot.parse_one(f"grant {privileges} on {name.strip()} to {role}", read="postgres")
        for name in relations.split(",")
    ]


def test_a_right_is_either_written_by_hand_or_follows_and_never_both() -> None:
    text = generated.reader_grants(SOURCES) + generated.publisher_grants(targets_of_today())
    assert granted(project().views["roles"].text) == BY_HAND
    assert not granted(text) & BY_HAND


def test_a_new_column_of_a_source_comes_last_in_its_view() -> None:
    """Postgres puts a column that is added to a view at its end, and nowhere else."""
    (view,) = (generated.source_view(one) for one in SOURCES if one.name == "transactions")
    assert sqlglot.parse_one(view, read="postgres").named_selects[-3:] == ["row_version", "row_place", "payment_id"]


def test_a_database_whose_boards_and_source_views_are_made_anew_is_as_declared(
    settings: Settings, postgres: psycopg.Connection[Any]
) -> None:
    for source in SOURCES:
        postgres.execute(f"drop view analytics.source_{source.name}")  # type: ignore[arg-type]
    for board in BOARDS:
        postgres.execute(f"drop table {board.table} cascade")  # type: ignore[arg-type]
    assert {one.name for one in schema.diff(settings) if one.kind == "table"} == {board.table for board in BOARDS}
    schema.apply(settings)
    assert schema.diff(settings) == []


def test_the_generated_grants_give_the_roles_all_that_they_have(
    settings: Settings, postgres: psycopg.Connection[Any]
) -> None:
    roles.apply(settings)
    before = set(postgres.execute(_RIGHTS).fetchall())  # type: ignore[arg-type]
    for role in (generated.READER, generated.PUBLISHER):
        for space in ("public", "analytics"):
            postgres.execute(f"revoke all on all tables in schema {space} from {role}")  # type: ignore[arg-type]
    assert not [row for row in postgres.execute(_RIGHTS) if row[1] != "pg_class"]  # type: ignore[arg-type]
    postgres.execute(generated.reader_grants(SOURCES))  # type: ignore[arg-type]
    postgres.execute(generated.publisher_grants(targets_of_today()))  # type: ignore[arg-type]
    postgres.execute("grant select on analytics.refreshes to si_reader")
    postgres.execute("grant select, insert, update on analytics.refreshes to si_publisher")
    assert len(before) > 100
    assert set(postgres.execute(_RIGHTS).fetchall()) == before  # type: ignore[arg-type]


def test_a_view_in_place_of_a_table_has_no_marks_to_show_or_to_grant(postgres: psycopg.Connection[Any]) -> None:
    postgres.execute("create view people as select 1 as id, 'Ada' as name")
    people = Read("people", ("id", "name"), marked=False)
    postgres.execute(generated.source_view(people))  # type: ignore[arg-type]
    assert postgres.execute("select * from analytics.source_people").fetchall() == [(1, "Ada", None, None)]
    assert {column for _, _, column, _ in granted(generated.reader_grants([people]))} == {"", "id", "name"}


def test_grants_name_the_schema_that_the_application_uses() -> None:
    moved = [one.within("shop") for one in targets_of_today()]
    text = generated.publisher_grants(moved) + generated.reader_grants(SOURCES, "shop")
    assert {place.partition(".")[0] for *_, place in granted(text)} == {"shop", "analytics"}


def test_a_key_without_an_index_of_a_name_gets_a_unique_one() -> None:
    text = generated.board_view(target("agent_leaderboard"))
    assert "create unique index if not exists idx_agent_leaderboard_agent_id on agent_leaderboard(agent_id);" in text
    assert "create index if not exists idx_agent_leaderboard_rank" in text
