"""Whose rows a metric has: ``every sponsor``, and what a sponsor is in the operational tables.

Belongs here: an owner, the query of all there are, and reading one from the query of a dimension.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from si_analytics.errors import DefinitionError

if TYPE_CHECKING:
    from sqlglot import expressions as exp

_SAID = frozenset({"kind", "expressions", "from_", "joins", "where"})
_REMEDY = "Select its key first, from one raw table; join others by that key, filter by column = 'text', and no more"


@dataclass(frozen=True)
class Owner:
    """Whose rows a metric has: ``every sponsor``, and what a sponsor is in the operational tables.

    ``table`` has one row of each by ``key``, where the columns of ``where`` have these values. ``within`` are tables
    that must hold the row as well, with their keys: an agent is a profile whose user exists.
    """

    name: str
    table: str
    key: str
    where: tuple[tuple[str, str], ...] = ()
    within: tuple[tuple[str, str], ...] = ()

    @property
    def plural(self) -> str:
        """What a query calls all of them."""
        return f"{self.name}s"

    def keys(self, schema: str) -> exp.Select:
        """The query of the keys of all owners that there are, from tables in `schema`."""
        from sqlglot import expressions as exp

        from si_analytics.definitions import trees

        place = self.table if self.within else ""
        query = exp.select(trees.column(self.key, place)).from_(trees.relation(self.table, schema, place))
        for table, key in self.within:
            on = trees.matching(self.table, table, [(self.key, key)])
            query = query.join(trees.relation(table, schema, table), on=on, join_type="inner")
        filters = self.filters(place)
        return query.where(*filters) if filters else query

    def filters(self, of: str) -> list[exp.EQ]:
        """What holds for the rows of its table that are owners, the table being called `of`."""
        from sqlglot import expressions as exp

        from si_analytics.definitions import trees

        return [trees.column(name, of).eq(exp.Literal.string(value)) for name, value in self.where]


def owner(name: str, query: str) -> Owner:
    """The owner that the query of a dimension defines: the table it selects from, its filter, its inner joins.

    Left joins add attributes and are of no account. Raises DefinitionError where the query says more than that.
    """
    import sqlglot
    from sqlglot import expressions as exp

    found = sqlglot.parse_one(query, read="duckdb")
    said = {part for part, value in found.args.items() if value}
    home = found.args["from_"].this if "from_" in said else None
    if not isinstance(found, exp.Select) or said - _SAID or not isinstance(home, exp.Table):
        raise _refused(name, "its query is more than a select with joins and a filter")
    key = found.expressions[0].unalias()
    if home.db != "raw" or not _is_of(home, key):
        raise _refused(name, f"its first column is no column of the table {home.sql()} in raw")
    where, joins = found.args.get("where"), found.args.get("joins") or ()
    return Owner(
        name,
        home.name,
        key.name,
        tuple(_filter(name, home, one) for one in _conjuncts(where.this if where else None)),
        tuple(_joined(name, home, key, join) for join in joins if join.side != "LEFT"),
    )


def _refused(name: str, found: str) -> DefinitionError:
    return DefinitionError(f"reading who every {name} is", found, _REMEDY)


def _is_of(table: exp.Table, column: exp.Expr) -> bool:
    """Whether a column is one of this table; one that names none is, where a query reads a single table."""
    from sqlglot import expressions as exp

    return isinstance(column, exp.Column) and column.table in {"", table.alias_or_name}


def _conjuncts(condition: exp.Expr | None) -> tuple[exp.Expr, ...]:
    from sqlglot import expressions as exp

    if condition is None:
        return ()
    return tuple(condition.flatten()) if isinstance(condition, exp.And) else (condition,)


def _filter(name: str, home: exp.Table, condition: exp.Expr) -> tuple[str, str]:
    from sqlglot import expressions as exp

    if isinstance(condition, exp.EQ) and _is_of(home, condition.this) and condition.expression.is_string:
        return condition.this.name, condition.expression.name
    raise _refused(name, f"its query filters by {condition.sql()}")


def _joined(name: str, home: exp.Table, key: exp.Expr, join: exp.Join) -> tuple[str, str]:
    """The table that an inner join demands a row of, and its key, which is the owner's."""
    from sqlglot import expressions as exp

    on = join.args.get("on")
    if isinstance(on, exp.EQ) and isinstance(join.this, exp.Table) and not join.side:
        sides = sorted((on.this, on.expression), key=lambda side: side.text("table") != home.alias_or_name)
        own, other = sides
        if _is_of(home, own) and own.name == key.name and _is_of(join.this, other) and other.text("table"):
            return join.this.name, other.name
    raise _refused(name, f"its query joins {join.this.sql()} by another column than its key")
