"""What may replace a declared object and serve as well: partitions, other types, a view for a table.

Belongs here: judging one difference by what the database holds, and adapting statements to a view in place of a
table. Accepted differences are reported, and neither altered nor created.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from si_analytics.definitions import contract, project
from si_analytics.postgres import operational, relations
from si_analytics.schema import ddl, generated
from si_analytics.schema.introspection import CONSTRAINTS, VIEWS, Connection, Item, meaning

_REFERENCED = re.compile(r"REFERENCES (?:\w+\.)?(\w+)")
_MADE = re.compile(r" (identity (always|by default)|generated)$")
_COMPUTED = "generated always as"
_PARTITIONED, _VIEW = "p", "v"


@dataclass(frozen=True)
class Standing:
    """The tables and views in the operational schema, by name."""

    tables: Mapping[str, relations.Relation]

    def accepts(self, item: Item, other: Item | None) -> bool:
        """Whether `other` serves as well as the declared `item`; for None, whether other objects make up for it."""
        if item.kind == "table":
            stands = self.tables.get(item.relation)
            return stands is not None and (stands.kind == _PARTITIONED or self._shown(item.relation))
        if item.kind in VIEWS:
            return self._same_view(item, other) if other else self.keyless(item.name)
        if self._shown(item.relation):
            return item.kind != "column" or self._readable(item)
        return self._part(item, other)

    def _part(self, item: Item, other: Item | None) -> bool:
        """Whether an accepted difference explains this part of a table."""
        if item.kind == "column":
            return other is not None and other.kind == item.kind and self._readable(item, other)
        if item.kind == "default":
            computed = other is not None and other.definition.startswith(_COMPUTED)
            same = other is None or _literal(item) == _literal(other)
            return computed or (same and self._otherwise(item.relation, item.name))
        if item.kind == "check":
            return other is None and any(self._lettered(item.relation, name) for name in item.columns)
        return item.kind in CONSTRAINTS and self._kept_otherwise(item, other)

    def views(self) -> tuple[str, ...]:
        """Returns the extracted tables in whose place the database has a view, which has no row marks."""
        return tuple(name for name in project().sources if name in self.tables and self.tables[name].kind == _VIEW)

    def adapted(self, one: ddl.Built) -> str:
        """Returns a statement of ours; a source view leaves out the row marks if what it shows has none."""
        name = one.name.removeprefix(f"{relations.ANALYTICS}.source_")
        if name == one.name or name not in self.views():
            return one.text
        (read,) = (read for read in generated.reads(project(), self.views()) if read.name == name)
        return generated.source_view(read)

    def _shown(self, table: str) -> bool:
        """Whether a view takes the place of a table that we read and never write."""
        stands = self.tables.get(table)
        written = {target.table for target in project().targets.values()}
        readable = table in project().sources and f"{operational.SCHEMA}.{table}" not in written
        return stands is not None and stands.kind in relations.VIEWS and readable

    def _column(self, table: str, name: str) -> contract.ReadColumn | None:
        stands = self.tables.get(table)
        return next((column for column in stands.columns if column.name == name), None) if stands else None

    def _readable(self, item: Item, other: Item | None = None) -> bool:
        """Whether every value of a declared column arrives exactly; a column that is not read may be missing."""
        found = self._column(item.relation, item.name)
        if found is None:
            return item.name not in {column.name for column in contract.columns(item.relation)}
        # A collation does not change the type; but nobody can write a column that Postgres computes itself.
        kind = _MADE.sub("", other.definition) if other else found.type
        written = kind != (other.definition if other else kind) and self._written(item)
        return kind == found.type and not written and contract.read_as(item.definition, found) is not None

    @staticmethod
    def _written(item: Item) -> bool:
        """Whether a refresh writes the column."""
        targets = project().targets.values()
        return any(one.table == f"{operational.SCHEMA}.{item.relation}" and item.name in one.names for one in targets)

    def _otherwise(self, table: str, name: str) -> bool:
        """Whether a column has a type that somebody defined: an enumeration or a domain."""
        found = self._column(table, name)
        return found is not None and not contract.arrives(found.bare, found.type)

    def _lettered(self, table: str, name: str) -> bool:
        found = self._column(table, name)
        return found is not None and found.bare == "text" and self._otherwise(table, name)

    def _kept_otherwise(self, item: Item, other: Item | None) -> bool:
        """Whether a key is missing because there can be none, or also holds the columns that define the partitions."""
        if item.kind == "foreign key":
            referenced = _REFERENCED.search(item.definition)
            parent = self.tables.get(referenced[1]) if referenced else None
            # A foreign key keeps its table even after a view takes that table's name.
            return parent is not None and parent.kind in (
                {_PARTITIONED, *relations.VIEWS} if other is None else relations.VIEWS
            )
        stands = self.tables.get(item.relation)
        if stands is None or stands.kind != _PARTITIONED:
            return False
        return other is None or (item.kind == other.kind and set(item.columns) < set(other.columns))

    def keyless(self, view: str) -> bool:
        """Whether a view relies on the key of a table that has none here, so that the view cannot exist."""
        return any(map(self._keyless, ddl.keyed().get(view, ())))

    def _keyless(self, table: str) -> bool:
        stands, key = self.tables.get(table), self._column(table, project().sources[table].key)
        possible = stands is None or stands.kind not in {_PARTITIONED, *relations.VIEWS}
        return not possible and not (key and key.unique)

    def _same_view(self, item: Item, other: Item) -> bool:
        """Whether two views differ only in what Postgres adds for columns of other types or for columns of a view."""
        if item.kind != other.kind:
            return False
        table = item.name.removeprefix(f"{relations.ANALYTICS}.source_")
        if table in self.views():
            return True
        shown = [name for name in self.tables if re.search(rf"\b{name}\b", item.definition)]
        unlike = any(self._otherwise(name, column.name) for name in shown for column in self.tables[name].columns)
        return unlike and meaning(item, casts=False) == meaning(other, casts=False)


def look(connection: Connection) -> Standing:
    """Returns what the operational schema holds."""
    here = operational.of(connection)
    found = relations.described(lambda text: connection.execute(text).fetchall(), here)
    return Standing({name: one for (schema, name), one in found.items() if schema == here})


def _literal(item: Item) -> str:
    return item.definition.partition("::")[0]
