"""The schema that holds the operational tables: ``public``, unless ``SI_SOURCE_SCHEMA`` names another.

Belongs here: moving our SQL files and table names to that schema, and saying where missing tables are.

The files say ``public`` and run unchanged if the tables are there. For another schema, replaces the word wherever
Postgres would read it as a schema: before a dot, after the word ``schema``, and as a whole string literal, also in
the bodies of ``do`` blocks and functions. Leaves comments and longer strings that hold the word alone, and the
boards, which are in ``public`` wherever the tables are.
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
"""The default schema of the operational tables. The boards are always in it."""

SETTING = "SI_SOURCE_SCHEMA"
_BODY = "$$"
_NAMED = 5
_PARAMETER = re.compile(r"%\((\w+)\)s")


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that knows which schema holds its operational tables."""

    operational = SCHEMA


def of(connection: psycopg.Connection[Any]) -> str:
    """Returns the schema of the operational tables of a connection; ``public`` if it does not know."""
    return connection.operational if isinstance(connection, Connection) else SCHEMA


def table(connection: psycopg.Connection[Any], name: str) -> pg_sql.Identifier:
    """Returns the quoted name, with its schema, of an operational table or of an object that belongs to one."""
    return pg_sql.Identifier(of(connection), name)


def query(connection: psycopg.Connection[Any], asked: Query) -> LiteralString:
    """Returns the text of a query for the schema of this connection."""
    return text(asked.text, of(connection))


def named(place: str, schema: str) -> str:
    """Returns `place`, a schema and a name in our files, quoted if Postgres needs quotes: ``"Shop".deals``."""
    space, _, name = place.rpartition(".")
    return ".".join(quoted(part) for part in ((schema if space == SCHEMA else space), name))


def text(written: str, schema: str) -> LiteralString:
    """Returns SQL of our own files with the operational tables in `schema`."""
    return written if schema == SCHEMA else _moved(written, schema)


def bound(written: str, values: Mapping[str, object]) -> str:
    """Returns a query with its values written into it, quoted by the driver, for calls that take no parameters."""
    parts = _PARAMETER.split(written)
    pieces = [pg_sql.Literal(values[part]) if place % 2 else pg_sql.SQL(part) for place, part in enumerate(parts)]
    return pg_sql.Composed(pieces).as_string(None)


def absent(lacking: Sequence[str], schema: str, elsewhere: str | None) -> SchemaError:
    """Returns the error for tables that are not in `schema`; `elsewhere` names the schema that holds most, if any.

    Tables elsewhere should be read there: an empty copy of each table here would look like a market without a deal.
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
    if "%(" in written:  # there psycopg reads a percent sign as the start of a parameter
        identifier, literal = identifier.replace("%", "%%"), literal.replace("%", "%%")
    moved, last = [], 0
    for start, end, kind in _places(written):
        moved += [written[last:start], identifier if kind == "identifier" else literal]
        last = end
    return "".join([*moved, written[last:]])


def _places(written: str) -> Iterator[tuple[int, int, str]]:
    """Yields where `written` names the schema: start, end, and whether as identifier or literal."""
    from sqlglot.dialects import Postgres
    from sqlglot.tokenizer_core import TokenType

    tokens = Postgres().tokenize(written)
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        start, end = token.start, token.end + 1
        if before is not None and before.token_type == TokenType.COMMAND:  # such as `do`: one token holds the rest
            rest = written.index(token.text, before.end + 1)
            yield from ((rest + one, rest + two, kind) for one, two, kind in _places(token.text))
        elif written.startswith(_BODY, start):  # one token holds the body of a function or a `do` block
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
    """Returns a name, quoted only if it needs quotes."""
    return name if name.isascii() and name.isidentifier() and name == name.lower() else _doubled(name, '"')
