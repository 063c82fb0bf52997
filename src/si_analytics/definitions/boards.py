"""The tables of boards, which only refreshes write: made from the types that their targets declare.

Belongs here: the statement that creates one.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from si_analytics.definitions.targets import Target

if TYPE_CHECKING:
    from sqlglot import expressions as exp

_NOT_NULL = " not null"


@functools.lru_cache(maxsize=64)
def board_table(board: Target) -> str:
    """The statement that creates the table of a board, with its primary key."""
    from sqlglot import expressions as exp

    from si_analytics.definitions import trees

    alone = board.key[0] if len(board.key) == 1 else ""
    parts: list[exp.Expr] = [_column(name, kind, primary=name == alone) for name, kind in board.types]
    if not alone:
        parts.append(exp.PrimaryKey(expressions=list(map(trees.identifier, board.key))))
    place = exp.Schema(this=trees.relation(board.bare, board.schema), expressions=parts)
    return f"{trees.written(exp.Create(this=place, kind='TABLE', exists=True)).rstrip()};\n"


def _column(name: str, declared: str, *, primary: bool) -> exp.ColumnDef:
    from sqlglot import expressions as exp

    from si_analytics.definitions import trees

    kind, required = declared.removesuffix(_NOT_NULL), declared.endswith(_NOT_NULL)
    said: list[exp.Expr] = [exp.PrimaryKeyColumnConstraint()] if primary else []
    if required:
        said.append(exp.NotNullColumnConstraint())
    return exp.ColumnDef(
        this=trees.identifier(name),
        kind=exp.DataType.build(kind, dialect="postgres"),
        constraints=[exp.ColumnConstraint(kind=one) for one in said],
    )
