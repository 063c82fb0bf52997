"""What ``sql/schema`` and ``sql/views`` declare: statements, tables and columns, read without a database.

Belongs here: the one parser of our DDL, from texts to values. Types are in the words of Postgres' ``format_type``.
Only the tables that somebody asks for are parsed, each once.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from si_analytics.definitions import column_types
from si_analytics.errors import DefinitionError, UnknownNameError

if TYPE_CHECKING:
    from sqlglot import Dialect
    from sqlglot import expressions as exp
    from sqlglot.tokenizer_core import Token

_ASKED = "reading the declared schema"
_LEADING = frozenset({"or", "replace", "unique", "if", "not", "exists"})
_BODY = "$$"


@dataclass(frozen=True)
class Statement:
    """One statement: the kind and name of what it creates, and its text with the comments above it."""

    kind: str
    name: str
    text: str


@dataclass(frozen=True)
class DeclaredColumn:
    """A declared column.

    ``minimum`` and ``maximum`` are those of a check on this column alone, ``one_of`` the texts that a check lists.
    ``refers_to`` is the table that a foreign key names. ``unique`` holds for a key of this column alone.
    """

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    one_of: tuple[str, ...] = ()
    refers_to: str = ""
    unique: bool = False

    @property
    def largest(self) -> Decimal | None:
        """The largest number its type holds, on either side of zero; None where there is no limit."""
        return column_types.largest(self.type)

    @property
    def facts(self) -> str:
        """What may stand in it, in words for people; empty where the declaration leaves it open.

        >>> project().tables["deals"].column("gig_id").facts
        'names a row of gigs, never empty'
        """
        found = (
            f"names a row of {self.refers_to}" if self.refers_to else "",
            f"one of {', '.join(self.one_of)}" if self.one_of else "",
            "never empty" if self.not_null else "",
        )
        return ", ".join(fact for fact in found if fact)


@dataclass(frozen=True)
class DeclaredTable:
    """A declared table, with its schema where the files write one: ``deals``, ``analytics.refreshes``.

    ``remark`` is the comment above it; ``unique`` are the keys beside the primary one.
    """

    name: str
    columns: tuple[DeclaredColumn, ...]
    primary_key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    remark: str = ""

    def column(self, name: str) -> DeclaredColumn:
        """The column of that name; raises UnknownNameError that lists those there are."""
        for column in self.columns:
            if column.name == name:
                return column
        listed = ", ".join(column.name for column in self.columns)
        raise UnknownNameError(f"column {self.name}.{name}", "the table declares none of that name", f"It has {listed}")


@functools.lru_cache(maxsize=256)
def statements(text: str) -> tuple[Statement, ...]:
    """The statements of one file, in order; raises DefinitionError for one that creates nothing."""
    return tuple(_statement(text[start:end], tokens) for tokens, start, end in _pieces(text))


@functools.lru_cache(maxsize=256)
def tables(text: str) -> tuple[DeclaredTable, ...]:
    """The tables that one file declares, in order."""
    # Few files declare any, and the others need not be read for that.
    found = _pieces(text) if "create table" in text else ()
    return tuple(_table(text, piece) for piece in found if _creates(piece[0])[0] == "table")


def table(texts: Iterable[str], name: str) -> DeclaredTable:
    """The table of that name in any of these files; parses no other. Raises UnknownNameError where none declares it."""
    for text in texts:
        for piece in _pieces(text) if "create table" in text and name in text else ():
            if _creates(piece[0]) == ("table", name):
                return _table(text, piece)
    raise UnknownNameError(f"table {name}", "no file of sql/schema or sql/views declares it", "Declare it there")


_Piece = tuple[tuple["Token", ...], int, int]


@functools.lru_cache(maxsize=256)
def _pieces(text: str) -> tuple[_Piece, ...]:
    """The tokens of each statement, and where it begins and ends in `text`; what follows the last one is left out."""
    found: list[_Piece] = []
    tokens: list[Token] = []
    last = 0
    for token in _postgres().tokenize(text):
        if token.text != ";" or text[token.start] != ";":
            tokens.append(token)
            continue
        end = token.end + 1 + text[token.end + 1 :].startswith("\n")
        found.append((tuple(tokens), last, end))
        tokens, last = [], end
    return tuple(found)


def _statement(text: str, tokens: Sequence[Token]) -> Statement:
    return Statement(*_creates(tokens), text)


def _creates(tokens: Sequence[Token]) -> tuple[str, str]:
    """The kind and name of what a statement creates, or else of what the block of a ``do`` does."""
    words = [token.text.lower() for token in tokens]
    if words and words[0] == "do":
        inside = _postgres().tokenize(words[1].strip().strip("$"))
        found = next((place for place, token in enumerate(inside) if token.text == "create"), None)
        return _creates(inside[found:] if found is not None else ())
    if not words or words[0] != "create":
        written = " ".join(token.text for token in tokens)
        raise DefinitionError(_ASKED, f"a statement creates nothing: {written}", "Each statement creates one object")
    rest = [(word, token) for word, token in zip(words, tokens, strict=True) if word not in _LEADING][1:]
    kind, after = rest[0][0], 1
    if kind == "materialized":
        kind, after = "materialized view", 2
    name = rest[after][1].text
    while len(rest) > after + 2 and rest[after + 1][0] == ".":
        name, after = f"{name}.{rest[after + 2][1].text}", after + 2
    return kind, name


@functools.lru_cache(maxsize=1024)
def _table(text: str, piece: _Piece) -> DeclaredTable:
    from sqlglot import expressions as exp

    tokens, start, end = piece
    (create,) = _postgres().parser().parse(list(tokens), text)
    if not isinstance(create, exp.Create) or not isinstance(create.this, exp.Schema):
        raise DefinitionError(_ASKED, f"this is no table with columns: {text[start:end]}", "Declare its columns")
    parts = create.this.expressions
    defined = [part for part in parts if isinstance(part, exp.ColumnDef)]
    keys = [(part, names) for part in parts for names in _keys(part)]
    primary = tuple(name for part, names in keys if _is_primary(part) for name in names)
    unique = tuple(names for part, names in keys if not _is_primary(part))
    alone = {names[0] for names in (primary, *unique) if len(names) == 1}
    place = create.this.this
    return DeclaredTable(
        f"{place.db}.{place.name}" if place.db else place.name,
        tuple(_column(part, frozenset(primary), part.name in alone) for part in defined),
        primary,
        unique,
        _remark(text[start : tokens[0].start]),
    )


def _remark(above: str) -> str:
    """The last block of comments above a statement, as one line."""
    block = above.rstrip("\n").rpartition("\n\n")[2]
    return " ".join(line.removeprefix("-- ") for line in block.splitlines() if line.startswith("-- "))


def _keys(part: exp.Expr) -> list[tuple[str, ...]]:
    """The columns of each key that a part of a declaration makes: of a column, of a table, or named."""
    from sqlglot import expressions as exp

    if isinstance(part, exp.ColumnDef):
        kinds = (exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint)
        return [(part.name,)] if any(isinstance(one.kind, kinds) for one in part.args["constraints"] or ()) else []
    found = part.find(exp.PrimaryKey, exp.UniqueColumnConstraint)
    if found is None:
        return []
    return [tuple(one.name for one in found.find_all(exp.Identifier))]


def _is_primary(part: exp.Expr) -> bool:
    from sqlglot import expressions as exp

    return part.find(exp.PrimaryKey, exp.PrimaryKeyColumnConstraint) is not None


def _column(part: exp.ColumnDef, primary: frozenset[str], unique: bool) -> DeclaredColumn:
    from sqlglot import expressions as exp

    said = [one.kind for one in part.args["constraints"] or ()]
    default = next((one.this for one in said if isinstance(one, exp.DefaultColumnConstraint)), None)
    refers = next((one for one in said if isinstance(one, exp.Reference)), None)
    checks = [one.this for one in said if isinstance(one, exp.CheckColumnConstraint)]
    required = any(isinstance(one, exp.NotNullColumnConstraint) and not one.args.get("allow_null") for one in said)
    kind = part.args["kind"]
    return DeclaredColumn(
        name=part.name,
        type=column_types.in_words(kind),
        not_null=required or part.name in primary,
        default=None if default is None else default.sql("postgres", normalize_functions="lower"),
        minimum=_bound(checks, part.name, exp.GTE),
        maximum=_bound(checks, part.name, exp.LTE),
        one_of=_listed(checks, part.name),
        refers_to=_referred(refers),
        unique=unique,
    )


def _referred(reference: exp.Expr | None) -> str:
    from sqlglot import expressions as exp

    place = reference.find(exp.Table) if reference is not None else None
    return "" if place is None else f"{place.db}.{place.name}" if place.db else place.name


def _bound(checks: Iterable[exp.Expr], column: str, kind: type[exp.Binary]) -> Decimal | None:
    """The number that a check of the form ``column >= 0 and column <= 5`` sets on one side; None without one."""
    for check in checks:
        for part in check.flatten() if check.key == "and" else (check,):
            if isinstance(part, kind) and part.this.name == column and part.expression.is_number:
                return Decimal(part.expression.sql())
    return None


def _listed(checks: Iterable[exp.Expr], column: str) -> tuple[str, ...]:
    """The texts of a check of the form ``column in ('a', 'b')``."""
    from sqlglot import expressions as exp

    for check in checks:
        if isinstance(check, exp.In) and check.this.name == column:
            return tuple(one.name for one in check.expressions)
    return ()


@functools.cache
def _postgres() -> Dialect:
    from sqlglot import Dialect

    return Dialect.get_or_raise("postgres")
