"""What a database holds, object by object, and how two such pictures differ.

Belongs here: reading Postgres's own catalogs and comparing the results. Writes nothing.

A picture is a mapping of `Item`. Definitions are the server's own words for an object, read with
its schema on the search path, so that two schemas of one server can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import class_row

from si_analytics.definitions import project

_RELATIONS = frozenset({"table", "unlogged table", "partitioned table", "foreign table", "view", "materialized view"})
_KEYS = frozenset({"primary key", "unique", "foreign key", "exclusion"})
CONSTRAINTS = _KEYS | {"check"}
VIEWS = frozenset({"view", "materialized view"})
# What an application may add to the declaration without doing harm.
_TOLERATED = _RELATIONS | CONSTRAINTS | {"column", "index", "trigger", "published table"}
# What belongs to a column and has no name of its own: present or not.
_TRAITS = frozenset({"not null", "default"})

Connection = psycopg.Connection[Any]
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Item:
    """One object: its kind, the table or view it belongs to (or empty), its name and definition."""

    kind: str
    relation: str
    name: str
    definition: str
    columns: list[str] = field(default_factory=list, compare=False)

    @property
    def key(self) -> Key:
        """The key that matches the items of two pictures; tables and views share one space of names."""
        if self.kind in _RELATIONS:
            return ("relation", "", self.name)
        if self.kind == "index":  # unique in its schema, whichever table it is on
            return ("index", "", self.name)
        space = "constraint" if self.kind in CONSTRAINTS else self.kind
        return (space, self.relation, self.name)

    @property
    def label(self) -> str:
        """The name as people write it: ``deals.amount``, ``idx_deals_status``."""
        if self.kind == "published table":
            return f"{self.name}: {self.relation}"
        return self.name if self.key[1] == "" else f"{self.relation}.{self.name}"

    @property
    def text(self) -> str:
        """The definition, or the kind if there is none."""
        return self.definition or self.kind


Picture = Mapping[Key, Item]
Accepts = Callable[[Item, Item | None], bool]


@dataclass(frozen=True)
class Difference:
    """One object that is not as declared.

    ``declared`` is None for an object that is not in the declaration, ``found`` is None for a missing one. ``extra``
    marks what an application added, which is no mistake; ``accepted`` marks what serves as well as the declared
    object.
    """

    kind: str
    name: str
    declared: str | None
    found: str | None
    extra: bool = False
    accepted: bool = False

    @property
    def status(self) -> str:
        """``missing``, ``changed``, ``accepted`` or ``extra``."""
        if self.extra or self.accepted:
            return "extra" if self.extra else "accepted"
        return "missing" if self.found is None else "changed"


def look_in(connection: Connection, schema: str) -> None:
    """Looks names up in `schema`, and in the schema of uuid-ossp if installed, until the transaction ends."""
    connection.execute(project().postgres.search_path.text, {"schema": schema})


def read(connection: Connection, schema: str, prefix: str = "") -> Picture:
    """Returns the picture of one schema; puts `prefix` before every name of a table or view in it."""
    items: list[Item] = []
    ours = project().postgres
    told = (
        *(ours.relations, ours.columns, ours.constraints, ours.indexes),
        *(ours.triggers, ours.functions, ours.publications),
    )
    for asked in told:
        with connection.cursor(row_factory=class_row(Item)) as cursor:
            items += cursor.execute(asked.text, {"schema": schema}).fetchall()
    if prefix:
        items = [_prefixed(item, prefix) for item in items if item.kind not in {"publication", "function"}]
        if connection.execute("select to_regnamespace(quote_ident(%s)) is not null", [schema]).fetchone() == (True,):
            items.append(Item("schema", "", prefix.rstrip("."), ""))
    return {item.key: item for item in items}


def _prefixed(item: Item, prefix: str) -> Item:
    relation = prefix + item.relation
    name = relation if item.kind in _RELATIONS else prefix + item.name if item.kind == "index" else item.name
    return Item(item.kind, relation, name, item.definition, item.columns)


def _nothing_does(item: Item, other: Item | None) -> bool:
    return False


def compare(declared: Picture, found: Picture, accepts: Accepts = _nothing_does) -> list[Difference]:
    """Returns every difference, ordered by kind and name; leaves out what belongs to an object that differs itself.

    ``accepts`` says whether an object (or None) serves as well as the declared one.
    """
    pairs = _paired(declared, found)
    partners = {other.key for _, other in pairs if other is not None}
    strangers = [item for key, item in found.items() if key not in partners]
    unlike = [item for item, other in pairs if not same(item, other) and not accepts(item, other)]
    named = {(item.kind, item.relation, item.name) for item in unlike + strangers}
    shown = {(item.kind, item.relation, item.name) for item, other in pairs if _shown_by(item, other)}
    differences = [
        Difference(item.kind, item.label, item.text, _seen(item, other), accepted=accepts(item, other))
        for item, other in pairs
        if not same(item, other) and not _implied(item, named) and not (_implied(item, shown) and accepts(item, other))
    ]
    keyed = {(key.relation, name) for key in found.values() if key.kind == "primary key" for name in key.columns}
    differences += _extras((item for item in strangers if not _implied(item, named)), keyed)
    return sorted(differences, key=lambda one: (one.extra, one.accepted, one.kind, one.name))


def _shown_by(item: Item, other: Item | None) -> bool:
    """Whether a view takes the place of a table."""
    return item.kind not in VIEWS and other is not None and other.kind in VIEWS


def _implied(item: Item, named: set[tuple[str, str, str]]) -> bool:
    """Whether the table or column that `item` belongs to is already reported."""
    if item.kind in _RELATIONS:
        return False
    of_relation = any((kind, item.relation, item.relation) in named for kind in _RELATIONS)
    return of_relation or (item.kind in _TRAITS and ("column", item.relation, item.name) in named)


def _seen(item: Item, other: Item | None) -> str | None:
    if other is None:
        return None
    return other.text if other.kind == item.kind else other.kind


def missing(declared: Picture, found: Picture, accepts: Accepts = _nothing_does) -> list[Item]:
    """Returns the declared objects that were not found and have no substitute, in their declared order."""
    return [item for item, other in _paired(declared, found) if other is None and not accepts(item, other)]


def added(declared: Picture, before: Picture, after: Picture) -> dict[str, tuple[str, ...]]:
    """Returns, by kind, the names of the declared objects that `after` has and `before` lacks.

    Leaves out what came with its table or column.
    """
    new = {(item.kind, item.relation, item.name) for key, item in after.items() if key not in before}
    names: dict[str, list[str]] = {}
    for item, other in _paired(declared, after):
        came_along = item.kind in CONSTRAINTS | _TRAITS | {"column"} and _implied(item, new)
        if other is not None and other.key not in before and not came_along:
            names.setdefault(item.kind, []).append(item.label)
    return {kind: tuple(each) for kind, each in sorted(names.items())}


def _paired(declared: Picture, found: Picture) -> list[tuple[Item, Item | None]]:
    """Returns each declared object with the one that does the same, else the one in its place, else None."""
    partners = {key: found[key] for key, item in declared.items() if item.kind not in CONSTRAINTS and key in found}
    free = sorted((item for item in found.values() if item.kind in CONSTRAINTS), key=lambda item: item.key)
    for matches in (same, _in_place_of):
        for key, item in declared.items():
            if item.kind not in CONSTRAINTS or key in partners:
                continue
            rivals = [other for other in free if other.relation == item.relation and matches(item, other)]
            if rivals:
                partners[key] = next((other for other in rivals if other.name == item.name), rivals[0])
                free.remove(partners[key])
    return [(item, partners.get(key)) for key, item in declared.items()]


def _in_place_of(item: Item, other: Item) -> bool:
    same_kind = item.kind == other.kind
    return (
        item.name == other.name
        or (same_kind and item.kind == "primary key")
        or (same_kind and item.kind in _KEYS and item.columns == other.columns)
    )


def same(item: Item, other: Item | None) -> bool:
    """Whether two objects do the same, whatever the names of their constraints."""
    if other is None or item.kind != other.kind:
        return False
    if item.definition == other.definition:
        return True
    return item.kind in VIEWS | {"check"} and meaning(item) == meaning(other)


def meaning(item: Item, *, casts: bool = True) -> object:
    """Returns the parsed definition without brackets and casts to text, which a dump and restore moves.

    Without `casts`, leaves out all casts.
    """
    import sqlglot
    from sqlglot import expressions

    try:
        parsed = sqlglot.parse_one(item.definition.removeprefix("CHECK "), read="postgres")
    except sqlglot.errors.ParseError:
        return item.definition
    root = expressions.Tuple(expressions=[parsed])
    for node in list(root.find_all(expressions.Paren, expressions.Cast)):
        if isinstance(node, expressions.Paren) or not casts or _is_text(node):
            node.replace(node.this)
    return root


def _is_text(cast_node: Any) -> bool:
    return str(cast_node.to.sql("postgres")).lower().split("(")[0].rstrip("[]") in {"text", "varchar"}


def _extras(strangers: Iterable[Item], keyed: Container[tuple[str, str]]) -> Iterator[Difference]:
    """Yields what goes beyond the declaration; accepts "not null" on a primary key's columns, which implies it."""
    for item in strangers:
        if item.kind in _TRAITS:
            of_key = item.kind == "not null" and (item.relation, item.name) in keyed
            yield Difference(item.kind, item.label, f"no {item.kind}", item.text, accepted=of_key)
        elif item.kind in _TOLERATED:
            yield Difference(item.kind, item.label, None, item.text, extra=True)
