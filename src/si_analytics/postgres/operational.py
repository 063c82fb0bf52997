"""The schema that the operational tables are in: ``public``, unless ``SI_SOURCE_SCHEMA`` names another.

Belongs here: putting the SQL files and the names of tables there, and saying where tables are that are not.

The files say ``public``, and can be run as they are where the tables are in that. For another schema the word is
replaced wherever Postgres would read it as a schema: before a dot, after the word ``schema``, and as a text of its own,
in the bodies of ``do`` blocks and functions as well. Comments, and texts that merely hold the word, stay as they are:
so do the boards, which are in ``public`` wherever the tables are.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import sql as pg_sql

from si_analytics.definitions import Query
from si_analytics.errors import SchemaError

SCHEMA = "public"
"""Where the operational tables are by default, and the boards always."""

SETTING = "SI_SOURCE_SCHEMA"
_BODY = "$$"
_NAMED = 5
_PARAMETER = re.compile(r"%\((\w+)\)s")


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that knows in which schema its operational tables are."""

    operational = SCHEMA


def of(connection: psycopg.Connection[Any]) -> str:
    """The schema of the operational tables of a connection; ``public`` where nobody said."""
    return connection.operational if isinstance(connection, Connection) else SCHEMA


def table(connection: psycopg.Connection[Any], name: str) -> pg_sql.Identifier:
    """An operational table, or what belongs to one, with its schema, quoted."""
    return pg_sql.Identifier(of(connection), name)


def query(connection: psycopg.Connection[Any], asked: Query) -> LiteralString:
    """The text of a query, for the schema of this connection."""
    return text(asked.text, of(connection))


def named(place: str, schema: str) -> str:
    """`place`, a schema and a name as our files write them, quoted where Postgres asks for that: ``"Shop".deals``."""
    space, _, name = place.rpartition(".")
    return ".".join(quoted(part) for part in ((schema if space == SCHEMA else space), name))


def text(written: str, schema: str) -> LiteralString:
    """SQL of our own files with the operational tables in `schema`."""
    return written if schema == SCHEMA else _moved(written, schema)


def bound(written: str, values: Mapping[str, object]) -> str:
    """The text of a query with its parameters in it, quoted by the driver, for where none can be sent beside it."""
    parts = _PARAMETER.split(written)
    pieces = [pg_sql.Literal(values[part]) if place % 2 else pg_sql.SQL(part) for place, part in enumerate(parts)]
    return pg_sql.Composed(pieces).as_string(None)


def absent(lacking: Sequence[str], schema: str, elsewhere: str | None) -> SchemaError:
    """The one-sentence error for tables that are not in `schema`; most are in the schema `elsewhere`, if any is named.

    What stands elsewhere is to be read there: an empty twin of every table would be read as a market without a deal.
    """
    others = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    listed = ", ".join(lacking[:_NAMED]) + others
    asked = "using the operational tables"
    if elsewhere is not None:
        found = f"the schema {quoted(schema)} lacks {listed}; most of the tables are in the schema {quoted(elsewhere)}"
        return SchemaError(asked, found, f"Name that one: {SETTING}={elsewhere}")
    where = "the database" if schema == SCHEMA else f"the schema {quoted(schema)}"
    return SchemaError(asked, f"{where} lacks {listed}", "Build them first: si schema apply")


@functools.cache
def _moved(written: str, schema: str) -> LiteralString:
    identifier, literal = _doubled(schema, '"'), _doubled(schema, "'")
    if "%(" in written:  # psycopg reads a sign of per cent as the beginning of a parameter there
        identifier, literal = identifier.replace("%", "%%"), literal.replace("%", "%%")
    moved, last = [], 0
    for start, end, kind in _places(written):
        moved += [written[last:start], identifier if kind == "identifier" else literal]
        last = end
    return "".join([*moved, written[last:]])


def _places(written: str) -> Iterator[tuple[int, int, str]]:
    """Where `written` names the schema, from and to, and as what."""
    from sqlglot.dialects import Postgres
    from sqlglot.tokenizer_core import TokenType

    tokens = Postgres().tokenize(written)
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        start, end = token.start, token.end + 1
        if before is not None and before.token_type == TokenType.COMMAND:  # like `do`: the rest of it is one token
            rest = written.index(token.text, before.end + 1)
            yield from ((rest + one, rest + two, kind) for one, two, kind in _places(token.text))
        elif written.startswith(_BODY, start):  # of a function or a `do` block, which is one token
            inside = start + len(_BODY)
            body = written[inside : written.index(_BODY, inside)]
            yield from ((inside + one, inside + two, kind) for one, two, kind in _places(body))
        elif token.token_type == TokenType.STRING and token.text == SCHEMA:
            yield start, end, "literal"
        elif token.token_type == TokenType.VAR and token.text == SCHEMA:
            follows = before is not None and before.text.lower() == "schema"
            if follows or (after is not None and after.token_type == TokenType.DOT):
                yield start, end, "identifier"


def _doubled(name: str, quote: str) -> str:
    return quote + name.replace(quote, quote * 2) + quote


def quoted(name: str) -> str:
    """A name without quotes where it is one that needs none."""
    return name if name.isascii() and name.isidentifier() and name == name.lower() else _doubled(name, '"')
