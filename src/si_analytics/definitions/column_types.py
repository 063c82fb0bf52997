"""Types of columns: from DuckDB's and SQLGlot's words to those of Postgres' ``format_type``, and what they hold.

Belongs here: every table of types that is no more than that.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from si_analytics.errors import DefinitionError

if TYPE_CHECKING:
    from sqlglot import expressions as exp

_WHOLE = {"smallint": Decimal(2**15 - 1), "integer": Decimal(2**31 - 1), "bigint": Decimal(2**63 - 1)}
_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
_FROM_DUCKDB = {
    **{"BOOLEAN": "boolean", "VARCHAR": "text", "UUID": "uuid", "BLOB": "bytea", "JSON": "jsonb"},
    **{"TINYINT": "smallint", "UTINYINT": "smallint", "SMALLINT": "smallint", "USMALLINT": "integer"},
    **{"INTEGER": "integer", "UINTEGER": "bigint", "BIGINT": "bigint"},
    **{"UBIGINT": "numeric", "HUGEINT": "numeric", "UHUGEINT": "numeric", "DECIMAL": "numeric"},
    **{"FLOAT": "real", "DOUBLE": "double precision", "ENUM": "text"},
    **{"DATE": "date", "TIME": "time without time zone", "INTERVAL": "interval"},
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS"), "timestamp without time zone"),
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
}
_DUCKDB_LIST = re.compile(r"(.+)\[\d*\]")
_FROM_SQLGLOT = {
    **{"VARCHAR": "character varying", "CHAR": "character", "DECIMAL": "numeric", "INT": "integer"},
    **{"DOUBLE": "double precision", "FLOAT": "real", "VARBINARY": "bytea"},
    **{"TIMESTAMPTZ": "timestamp{} with time zone", "TIMESTAMP": "timestamp{} without time zone"},
    **{"TIME": "time{} without time zone", "TIMETZ": "time{} with time zone"},
}


def postgres_type(kind: str, column: str, path: str) -> str:
    """The Postgres type that holds every value of a DuckDB type exactly.

    Raises DefinitionError that names the file at `path` and the `column` where there is none.
    """
    found = _of_duckdb(kind)
    if found is None:
        raise DefinitionError(
            f"publishing {path}",
            f"the column {column} is a {kind}, which no type of Postgres holds as it is",
            f"Cast {column} in the query to a plain type or a list of one, or leave it out of the target's columns",
        )
    return found


def _of_duckdb(kind: str) -> str | None:
    listed = _DUCKDB_LIST.fullmatch(kind)
    if listed:
        inner = _of_duckdb(listed[1])
        # Postgres has one type for arrays of any depth.
        return None if inner is None else inner if inner.endswith("[]") else f"{inner}[]"
    return _FROM_DUCKDB.get(kind if kind in _FROM_DUCKDB else kind.partition("(")[0])


def in_words(kind: exp.DataType) -> str:
    """A parsed type in the words of Postgres: ``character varying(20)``, ``numeric(10,2)``, ``text[]``."""
    from sqlglot import expressions as exp

    if kind.this == exp.DType.ARRAY:
        return f"{in_words(kind.expressions[0])}[]"
    size = ",".join(one.name for one in kind.expressions)
    if kind.this == exp.DType.DECIMAL and len(kind.expressions) == 1:
        size += ",0"
    name = getattr(kind.this, "value", str(kind.this))
    word = _FROM_SQLGLOT.get(name, name.lower())
    size = f"({size})" if size else ""
    return word.format(size) if "{}" in word else f"{word}{size}"


def in_short(words: str) -> str:
    """Those words as our files write them: ``varchar(20)``, ``decimal(10, 2)``."""
    shorter = _NUMERIC.sub(r"decimal(\1, \2)", words)
    return shorter.replace("character varying", "varchar")


def largest(words: str) -> Decimal | None:
    """The largest number a type holds, on either side of zero; None where there is no limit.

    >>> largest("numeric(10,2)")
    Decimal('99999999.99')
    """
    sized = _NUMERIC.fullmatch(words)
    if sized:
        return Decimal(10 ** int(sized[1]) - 1).scaleb(-int(sized[2]))
    return _WHOLE.get(words)
