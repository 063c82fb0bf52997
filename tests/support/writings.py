"""Transactions that insert, update, delete and rename rows of a few extracted tables, some of them rolled back.

Belongs here: one such transaction, and drawing them.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

import psycopg
from hypothesis import strategies as st
from psycopg import sql as pg_sql

from tests.support import extractions

TABLES = {
    "users": ("name", lambda key, value: {"email": f"{key}@x", "password_hash": "-", "name": value, "role": "agent"}),
    "agent_profiles": ("specialties", lambda _, value: {"specialties": [value, None]}),
    "transactions": ("status", lambda _, value: {"type": "refund", "amount": Decimal(len(value)), "status": "failed"}),
    "conversations": ("participants", lambda key, _: {"participants": [key]}),
}
"""Extracted tables of different shapes: a column to change, and what a new row of that key holds."""

OTHER = {"users": "Other", "agent_profiles": ["other"], "transactions": "completed", "conversations": []}
NUMBERS = range(1, 9)


@dataclass(frozen=True)
class Operation:
    """One thing done to one row."""

    table: str
    kind: str
    number: int
    other: int

    def run(self, postgres: psycopg.Connection) -> None:
        key, column = extractions.key_of(self.table), TABLES[self.table][0]
        statements = {
            "insert": ["insert"],
            "delete": ["delete"],
            "again": ["delete", "insert"],
            "update": ["update {table} set {column} = %(value)s where {key} = %(id)s"],
            "same": ["update {table} set {column} = {column} where {key} = %(id)s"],
            "rekey": [
                "update {table} set {key} = %(other)s where {key} = %(id)s"
                " and not exists (select from {table} where {key} = %(other)s)"
            ],
            "lock": ["select from {table} where {key} = %(id)s for update"],
        }[self.kind]
        bound = {"id": uuid.UUID(int=self.number), "other": uuid.UUID(int=self.other), "value": OTHER[self.table]}
        for statement in statements:
            if statement == "insert":
                add(postgres, self.table, self.number)
                continue
            if statement == "delete":
                statement = "delete from {table} where {key} = %(id)s"  # noqa: PLW2901
            names = {"table": self.table, "key": key, "column": column}
            named = {name: pg_sql.Identifier(word) for name, word in names.items()}
            postgres.execute(pg_sql.SQL(statement).format(**named), bound)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Writing:
    """A transaction: what it does, what a savepoint within it does, and how both end."""

    before: list[Operation]
    within: list[Operation]
    deeper: list[Operation]
    ends: tuple[bool, bool, bool]

    def run(self, postgres: psycopg.Connection) -> None:
        with suppress(psycopg.Rollback), postgres.transaction():
            for operation in self.before:
                operation.run(postgres)
            with postgres.transaction(force_rollback=not self.ends[1]):
                for operation in self.within:
                    operation.run(postgres)
                with postgres.transaction(force_rollback=not self.ends[2]):
                    for operation in self.deeper:
                        operation.run(postgres)
            if not self.ends[0]:
                raise psycopg.Rollback


def add(postgres: psycopg.Connection, table: str, number: int) -> None:
    """A row of that number, where there is none."""
    key = uuid.UUID(int=number)
    row = {extractions.key_of(table): key, **TABLES[table][1](key, "x" * number)}
    postgres.execute(
        pg_sql.SQL("insert into {} ({}) values ({}) on conflict do nothing").format(
            pg_sql.Identifier(table),
            pg_sql.SQL(", ").join(map(pg_sql.Identifier, row)),
            pg_sql.SQL(", ").join(map(pg_sql.Literal, row.values())),
        )
    )


def fill(postgres: psycopg.Connection, rows: int = len(NUMBERS)) -> None:
    """Each of the tables with rows of the numbers from 1 on; what refers to what is not looked at from then on."""
    postgres.execute("set session_replication_role = replica")
    for table in TABLES:
        for number in range(1, rows + 1):
            add(postgres, table, number)


operations = st.builds(
    Operation,
    st.sampled_from(list(TABLES)),
    st.sampled_from(["insert", "delete", "again", "update", "same", "rekey", "lock"]),
    st.sampled_from(NUMBERS),
    st.sampled_from(NUMBERS),
)
some = st.lists(operations, max_size=3)
mostly = st.sampled_from([True, True, True, False])
writings = st.builds(Writing, some, some, some, st.tuples(mostly, mostly, mostly))
