"""What may stand in the place of a declared object and do as well: partitions, other types, a view for a table.

Belongs here: judging one difference by what stands in the database, and the statements that a view in place of a table
needs otherwise. What is accepted is told, and neither altered nor created.
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
    """The tables and views that stand in the operational schema, by name."""

    tables: Mapping[str, relations.Relation]

    def accepts(self, item: Item, other: Item | None) -> bool:
        """Whether `other`, in the place of the declared `item`, does as well; or, where none is, what is around it."""
        if item.kind == "table":
            stands = self.tables.get(item.relation)
            return stands is not None and (stands.kind == _PARTITIONED or self._shown(item.relation))
        if item.kind in VIEWS:
            return self._same_view(item, other) if other else self.keyless(item.name)
        if self._shown(item.relation):
            return item.kind != "column" or self._readable(item)
        return self._part(item, other)

    def _part(self, item: Item, other: Item | None) -> bool:
        """Whether a part of a table is accepted."""
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
        """The extracted tables in whose place a view stands that has no marks of rows."""
        return tuple(name for name in project().sources if name in self.tables and self.tables[name].kind == _VIEW)

    def adapted(self, one: ddl.Built) -> str:
        """A statement of ours; the view of a source without the marks of rows where what it shows has none."""
        name = one.name.removeprefix(f"{relations.ANALYTICS}.source_")
        if name == one.name or name not in self.views():
            return one.text
        (read,) = (read for read in generated.reads(project(), self.views()) if read.name == name)
        return generated.source_view(read)

    def _shown(self, table: str) -> bool:
        """Whether a view stands in the place of a table that is read and never written."""
        stands = self.tables.get(table)
        written = {target.table for target in project().targets.values()}
        readable = table in project().sources and f"{operational.SCHEMA}.{table}" not in written
        return stands is not None and stands.kind in relations.VIEWS and readable

    def _column(self, table: str, name: str) -> contract.Column | None:
        stands = self.tables.get(table)
        return next((column for column in stands.columns if column.name == name), None) if stands else None

    def _readable(self, item: Item, other: Item | None = None) -> bool:
        """Whether every value of a declared column arrives exact from what stands there; what is not read may lack."""
        found = self._column(item.relation, item.name)
        if found is None:
            return item.name not in {column.name for column in contract.columns(item.relation)}
        # How texts are ordered is no matter of their type; what Postgres computes itself nobody else can write.
        kind = _MADE.sub("", other.definition) if other else found.type
        written = kind != (other.definition if other else kind) and self._written(item)
        return kind == found.type and not written and contract.read_as(item.definition, found) is not None

    @staticmethod
    def _written(item: Item) -> bool:
        """Whether a refresh writes the column."""
        targets = project().targets.values()
        return any(one.table == f"{operational.SCHEMA}.{item.relation}" and item.name in one.names for one in targets)

    def _otherwise(self, table: str, name: str) -> bool:
        """Whether a column is of a type that somebody made: an enumeration or a domain."""
        found = self._column(table, name)
        return found is not None and not contract.arrives(found.bare, found.type)

    def _lettered(self, table: str, name: str) -> bool:
        found = self._column(table, name)
        return found is not None and found.bare == "text" and self._otherwise(table, name)

    def _kept_otherwise(self, item: Item, other: Item | None) -> bool:
        """Whether a key is missing for there can be none, or takes in what the partitions are told apart by."""
        if item.kind == "foreign key":
            referenced = _REFERENCED.search(item.definition)
            parent = self.tables.get(referenced[1]) if referenced else None
            # What refers to a table behind a view that has its name goes on doing so.
            return parent is not None and parent.kind in (
                {_PARTITIONED, *relations.VIEWS} if other is None else relations.VIEWS
            )
        stands = self.tables.get(item.relation)
        if stands is None or stands.kind != _PARTITIONED:
            return False
        return other is None or (item.kind == other.kind and set(item.columns) < set(other.columns))

    def keyless(self, view: str) -> bool:
        """Whether a view takes the key of a table which has none of its own here: then there can be no such view."""
        return any(map(self._keyless, ddl.keyed().get(view, ())))

    def _keyless(self, table: str) -> bool:
        stands, key = self.tables.get(table), self._column(table, project().sources[table].key)
        possible = stands is None or stands.kind not in {_PARTITIONED, *relations.VIEWS}
        return not possible and not (key and key.unique)

    def _same_view(self, item: Item, other: Item) -> bool:
        """Whether two views differ in nothing but what Postgres adds where columns are of other types or a view's."""
        if item.kind != other.kind:
            return False
        table = item.name.removeprefix(f"{relations.ANALYTICS}.source_")
        if table in self.views():
            return True
        shown = [name for name in self.tables if re.search(rf"\b{name}\b", item.definition)]
        unlike = any(self._otherwise(name, column.name) for name in shown for column in self.tables[name].columns)
        return unlike and meaning(item, casts=False) == meaning(other, casts=False)


def look(connection: Connection) -> Standing:
    """What stands in the operational schema."""
    here = operational.of(connection)
    found = relations.described(lambda text: connection.execute(text).fetchall(), here)
    return Standing({name: one for (schema, name), one in found.items() if schema == here})


def _literal(item: Item) -> str:
    return item.definition.partition("::")[0]
