"""Views of ours that show another table than the one that has its name now.

Belongs here: which relations each view should show, finding views that do not, and recreating them. A view stays
with its table: if that is renamed and a new table takes its name, the view still shows the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from psycopg.sql import SQL

from si_analytics.definitions import ddl as declarations
from si_analytics.definitions import project
from si_analytics.errors import SchemaError
from si_analytics.postgres import operational, relations
from si_analytics.schema import ddl, equivalents, introspection
from si_analytics.schema.introspection import VIEWS, Connection, Item

_SOURCE = f"{relations.ANALYTICS}.source_"


@dataclass(frozen=True)
class Stale:
    """A view, under the name our files and pictures use and with its schema, and the relations it fails to show."""

    place: str
    view: str
    shown: str

    @property
    def remedy(self) -> str:
        """The command that recreates it."""
        return "si schema roles" if self.view.startswith(_SOURCE) else "si schema apply --replace-views"

    def __str__(self) -> str:
        return f"{self.view} shows another relation than the one called {self.shown} by now"


def declared() -> dict[str, tuple[str, ...]]:
    """Returns every view of ours, as the files name it, and the relations it should show."""
    found: dict[str, tuple[str, ...]] = {}
    for script in ddl.scripts():
        for one in declarations.statements(script.text):
            if one.kind in VIEWS:
                shown = (one.name.removeprefix(_SOURCE),) if one.name.startswith(_SOURCE) else script.inputs
                found[one.name] = tuple(shown)
    return found


def find(connection: Connection, views: Iterable[str] | None = None) -> list[Stale]:
    """Returns those of these views, or of all, that show another relation than declared; skips missing views."""
    schema, built = operational.of(connection), _built()
    chosen = declared() if views is None else {view: declared()[view] for view in views}
    pairs = [(built[view].place(schema), shown) for view, all_shown in chosen.items() for shown in all_shown]
    asked: dict[str, list[str]] = {"places": [place for place, _ in pairs]}
    for role, names in (("view", asked["places"]), ("shown", [shown for _, shown in pairs])):
        asked[f"{role}_schemas"] = [name.rpartition(".")[0] or schema for name in names]
        asked[f"{role}_names"] = [name.rpartition(".")[2] for name in names]
    return [Stale(*row) for row in connection.execute(project().postgres.stale_views.text, asked)]


def source_views() -> tuple[str, ...]:
    """Returns the source views, through which a role reads that may not see all of a table."""
    return tuple(view for view in declared() if view.startswith(_SOURCE))


def replace(connection: Connection, stale: Sequence[Stale]) -> None:
    """Recreates these views on the relations that have the names now, with the grants they had.

    Raises SchemaError if somebody else's object depends on one of them.
    """
    there, schema = equivalents.look(connection), operational.of(connection)
    statements = {one.place(schema): one for one in _built().values()}
    introspection.look_in(connection, schema)
    for each in stale:
        if dependents := ddl.dependents(connection, each.place):
            found = f"{', '.join(dependents)} would fall with it"
            remedy = "Nothing was changed; drop what depends on it, try again, and create that again"
            raise SchemaError(f"replacing the view {each.view}", found, remedy)
        one = statements[each.place]
        grants = ddl.drop_view(connection, Item(one.kind, "", each.place, ""))
        introspection.look_in(connection, operational.SCHEMA if one.board else schema)
        connection.execute(SQL(there.adapted(one)))
        for grant in grants:
            connection.execute(grant)


def _built() -> dict[str, ddl.Built]:
    return {one.name: one for one in ddl.statements() if one.kind in VIEWS}
