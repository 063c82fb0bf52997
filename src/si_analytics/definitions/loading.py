"""Everything that ``sql/`` declares, read and linked once into one object that does not change.

Belongs here: which folder holds which kind of file, reading them all, and what one file says of another.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from si_analytics.definitions import ddl, front_matter, matches
from si_analytics.definitions.boards import board_table
from si_analytics.definitions.fact_models import Dimension, Fact, Measure, Ratios
from si_analytics.definitions.models import (
    Check,
    Declaration,
    Explanation,
    Metric,
    Query,
    Script,
    Source,
    TargetFields,
)
from si_analytics.definitions.owners import owner
from si_analytics.definitions.targets import Target, boards, require_declared
from si_analytics.errors import AnalyticsError, DefinitionError, UnknownNameError

if TYPE_CHECKING:
    from si_analytics.definitions.keyed import Keyed

LAID_OUT = frozenset({"local_offsets", "meta.performance_weights"})
"""Tables that the library fills before the queries that read them."""

RECHECK_SECONDS = 0.25
"""For how long files that were just looked at are taken to be the same: a refresh asks hundreds of times."""

_Kind = TypeVar("_Kind", bound=Declaration)
_Group = TypeVar("_Group")


@dataclass(frozen=True)
class PostgresQueries:
    """What the library asks Postgres of itself: ``sql/postgres``, one file for each field."""

    change_keys: Query
    change_publication: Query
    cluster: Query
    column_limits: Query
    columns: Query
    constraints: Query
    current_files: Query
    dependents: Query
    elsewhere: Query
    foreign_keys: Query
    functions: Query
    idle_slots: Query
    indexes: Query
    keys_aside: Query
    lock_holders: Query
    losing_agents: Query
    opened: Query
    parts: Query
    position: Query
    privileges: Query
    publications: Query
    published_since: Query
    publisher: Query
    reading: Query
    relations: Query
    replica: Query
    rights: Query
    role_rights: Query
    search_path: Query
    server: Query
    slot: Query
    snapshot: Query
    sources: Query
    stale_views: Query
    table_columns: Query
    table_references: Query
    table_rules: Query
    target_identity: Query
    triggers: Query
    view_state: Query
    watchful: Query


@dataclass(frozen=True)
class WarehouseQueries:
    """What the library asks a warehouse beside its metrics: ``sql/queries``, one file for each field."""

    boards_kept: Query
    currencies_held: Query
    marketplace_activity: Query
    newest_event: Query
    ranked_agents: Query
    stopped: Query
    time_to_convert: Query


@dataclass(frozen=True, eq=False)
class Project:
    """All that ``sql/`` declares; each mapping is in order of name.

    There is one for each state of the files, so that what follows from it can be cached by it.
    """

    root: Path
    sources: Mapping[str, Source]
    facts: Mapping[str, Fact]
    ratios: Mapping[str, Ratios]
    declared_metrics: Mapping[str, Metric]
    checks: Mapping[str, Check]
    explanations: Mapping[str, Explanation]
    dimensions: Mapping[str, Dimension]
    queries: WarehouseQueries
    postgres: PostgresQueries
    schema: Mapping[str, Script]
    views: Mapping[str, Script]
    warehouse: Mapping[str, Script]

    @functools.cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric with its whole query: what it measures of facts goes before its own."""
        from si_analytics.definitions import measured  # imported late: it takes longer than all the files

        words = measured.Vocabulary(self.facts, self.dimensions, self.measures)
        return MappingProxyType({name: measured.whole(one, words) for name, one in self.declared_metrics.items()})

    @functools.cached_property
    def keyed(self) -> Mapping[str, Keyed]:
        """How the metrics that can be are worked out for some keys alone, by name."""
        from si_analytics.definitions import keyed, measured  # imported late, like the queries themselves

        words = measured.Vocabulary(self.facts, self.dimensions, self.measures)
        found = {name: keyed.of(one, words) for name, one in self.declared_metrics.items()}
        return MappingProxyType({name: one for name, one in found.items() if one is not None})

    @functools.cached_property
    def measures(self) -> Mapping[str, Measure]:
        """Every measure, by name; raises DefinitionError where two have the same, or where one is not understood."""
        found: dict[str, Measure] = {}
        homes: tuple[Fact | Ratios, ...] = (*self.facts.values(), *self.ratios.values())
        for one in homes:
            for measure in one.measures:
                if measure.name in found:
                    raise DefinitionError(one.path, f"another measure is called {measure.name}", "Rename one of them")
                home = one.name if isinstance(one, Fact) else ""
                found[measure.name] = measure.model_copy(update={"fact": home})
        for fact in self.facts.values():
            fact.require_measures()
        for ratios in self.ratios.values():
            ratios.require_measures(found)
        return MappingProxyType(dict(sorted(found.items())))

    @functools.cached_property
    def funnels(self) -> Mapping[str, Fact]:
        """The facts that are the units of a funnel, by its name; raises DefinitionError where two have the same."""
        found: dict[str, Fact] = {}
        for fact in self.facts.values():
            if fact.funnel:
                if fact.funnel in found:
                    raise DefinitionError(fact.path, f"another funnel is called {fact.funnel}", "Rename one of them")
                found[fact.funnel] = fact
        return MappingProxyType(dict(sorted(found.items())))

    @property
    def computed(self) -> Mapping[str, Metric | Fact]:
        """Every metric, then every funnel."""
        return {**self.metrics, **self.funnels}

    @property
    def roles(self) -> Script:
        """What sets up the roles; it belongs to the server, and is run apart from the schema."""
        return next(script for script in self.views.values() if script.roles)

    @property
    def records(self) -> Script:
        """The tables that every warehouse has: what it says of itself, and the boards of earlier days."""
        (script,) = self.warehouse.values()
        return script

    @functools.cached_property
    def tables(self) -> Mapping[str, ddl.DeclaredTable]:
        """Every table that the schema and the views declare; those of another schema than public are named with it."""
        found: dict[str, ddl.DeclaredTable] = {}
        for script in (*self.schema.values(), *self.views.values()):
            if script.tables:
                found.update({table.name: table for table in ddl.tables(script.text)})
        for board in boards(self._published.values()):
            found.update({table.name: table for table in ddl.tables(board_table(board))})
        return MappingProxyType(found)

    @functools.cached_property
    def _published(self) -> Mapping[str, Target]:
        """Every published table, by name, as its metric has it."""
        found = {
            name: _target(self, metric, name, published)
            for metric in self.declared_metrics.values()
            for name, published in metric.targets.items()
        }
        return MappingProxyType(dict(sorted(found.items())))

    def source_columns(self, source: str) -> tuple[ddl.DeclaredColumn, ...]:
        """The columns that are read of a source, in order, as the schema declares them.

        Raises DefinitionError where it does not.
        """
        one = self.sources[source]
        try:
            return tuple(self.tables[source].column(name) for name in one.columns)
        except (KeyError, UnknownNameError) as error:
            found = f"it reads a column that the schema does not declare of {source}"
            raise DefinitionError(one.path, found, "Declare it in sql/schema, or take it out of columns") from error

    @functools.cached_property
    def targets(self) -> Mapping[str, Target]:
        """Every published table, by name; raises DefinitionError where one does not fit what the schema declares."""
        for target in self._published.values():
            require_declared(target, self.tables, self.declared_metrics[target.metric].path)
        return self._published


@dataclass(frozen=True)
class _Checked:
    """A project, and when its files were last looked at."""

    project: Project
    at: float


_checked: list[_Checked] = []


@functools.cache
def root() -> Path:
    """The folder ``sql/``: the wheel's copy where there is one, else that of the checkout."""
    packaged = Path(str(resources.files("si_analytics"))) / "sql"
    checkout = Path(__file__).resolve().parents[3] / "sql"
    for candidate in (packaged, checkout):
        if candidate.is_dir():
            return candidate
    raise AnalyticsError("reading the SQL files", "the folder sql/ is missing", "Reinstall si_analytics")


def project() -> Project:
    """What the files under `root` declare now; read anew only where one of them changed.

    Whether one did is looked at again after `RECHECK_SECONDS`. Raises DefinitionError that names the file, what is
    wrong in it, and what to do.
    """
    folder, now = root(), time.monotonic()
    last = _checked[0] if _checked else None
    if last and last.project.root == folder and now < last.at + RECHECK_SECONDS:
        return last.project
    found = _loaded(folder, state(folder))
    _checked[:] = [_Checked(found, now)]
    return found


def state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Every file below `folder`, when it was written and how long it is."""
    found = []
    with os.scandir(folder) as below:
        for inner in sorted((entry for entry in below if entry.is_dir()), key=lambda entry: entry.name):
            with os.scandir(inner) as entries:
                for entry in entries:
                    if entry.name.endswith((".sql", ".toml")):
                        stat = entry.stat()
                        found.append((entry.path, stat.st_mtime_ns, stat.st_size))
    return tuple(sorted(found))


def lookup(declared: Mapping[str, _Kind], name: str, kind: str) -> _Kind:
    """`declared[name]`; raises UnknownNameError that suggests the nearest."""
    if name in declared:
        return declared[name]
    near = difflib.get_close_matches(name, declared, n=1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    raise UnknownNameError(f"{kind} '{name}'", "there is none of that name", f"{hint}There are: {', '.join(declared)}")


@functools.lru_cache(maxsize=8)
def _loaded(folder: Path, files: tuple[tuple[str, int, int], ...]) -> Project:
    held: dict[str, list[Path]] = {}
    for path, *_ in files:
        held.setdefault(Path(path).parent.name, []).append(Path(path))

    def each(inner: str, kind: type[_Kind]) -> Mapping[str, _Kind]:
        suffix = ".toml" if kind in {Source, Ratios} else ".sql" if kind is Fact else ""
        paths = [path for path in held.get(inner, ()) if path.suffix == suffix or not suffix]
        return MappingProxyType({path.stem: _read(path, kind) for path in paths})

    made = Project(
        root=folder,
        sources=each("sources", Source),
        facts=each("facts", Fact),
        ratios=each("facts", Ratios),
        declared_metrics=each("metrics", Metric),
        checks=each("checks", Check),
        explanations=each("explain", Explanation),
        dimensions=each("dimensions", Dimension),
        queries=_group("queries", WarehouseQueries, each("queries", Query)),
        postgres=_group("postgres", PostgresQueries, each("postgres", Query)),
        schema=each("schema", Script),
        views=each("views", Script),
        warehouse=each("warehouse", Script),
    )
    _require_inputs(made)
    _require_links(made)
    return made


def _group(folder: str, kind: type[_Group], found: Mapping[str, Query]) -> _Group:
    """The files of a folder whose every file the library knows by name."""
    wanted = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    missing, unknown = sorted(wanted - found.keys()), sorted(found.keys() - wanted)
    if missing:
        raise DefinitionError(f"sql/{folder}", f"it lacks {', '.join(missing)}", "Reinstall si_analytics")
    if unknown:
        remedy = "A query of your own is a metric: put it into sql/metrics"
        raise DefinitionError(f"sql/{folder}", f"nothing asks {', '.join(unknown)}", remedy)
    return kind(**found)


def _read(path: Path, kind: type[_Kind]) -> _Kind:
    found: _Kind = parse(kind, path.parent.name, path.stem, path.read_text(encoding="utf-8"), path.suffix)
    return found


@functools.lru_cache(maxsize=1024)
def parse(kind: type[_Kind], folder: str, name: str, text: str, suffix: str = ".sql") -> _Kind:
    """What the text of one file declares; raises DefinitionError where a field is missing, unknown or wrong."""
    path = f"sql/{folder}/{name}{suffix}"
    if suffix == ".toml":
        opening: dict[str, Any] = front_matter.toml(path, text)
    else:
        found = front_matter.parse(path, name, text)
        opening = {"summary": found.summary, "description": found.description, **found.fields}
    try:
        return kind.model_validate({**opening, "name": name, "path": path, "text": text})
    except ValidationError as error:
        raise _wrong(path, kind, error) from error


def _wrong(path: str, kind: type[Declaration], error: ValidationError) -> DefinitionError:
    """One of the mistakes, in one sentence: an unknown field, with the nearest, before those that are missing."""
    errors = error.errors(include_url=False)
    fields: dict[str, list[str]] = {}
    for one in errors:
        fields.setdefault(one["type"], []).append(".".join(map(str, one["loc"])))
    if "extra_forbidden" in fields:  # a misspelt field is missing as well: its name says more
        field = fields["extra_forbidden"][0]
        ours = {"name", "path", "text"}
        known = sorted(one.alias or name for name, one in kind.model_fields.items() if name not in ours)
        near = difflib.get_close_matches(field, known, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        found = f"it has a field {field}, which means nothing"
        return DefinitionError(path, found, f"{hint}There are: {', '.join(known)}")
    if "missing" in fields:
        missing = fields["missing"]
        found = f"it lacks the field{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
        return DefinitionError(path, found, "Write what the other files of its folder have there")
    first = errors[0]
    field = ".".join(map(str, first["loc"]))
    reason = first["msg"].removeprefix("Value error, ")
    found = f"{field}: {reason[:1].lower()}{reason[1:]}" if field else reason
    return DefinitionError(path, found, "Mend the field, as the other files of its folder have it")


def _target(made: Project, metric: Metric, name: str, published: TargetFields) -> Target:
    every = None
    if published.every is not None:
        dimension = lookup(made.dimensions, published.every, "dimension")
        every = owner(dimension.name, dimension.text)
    return Target(
        name=name,
        metric=metric.name,
        table=published.table,
        key=published.key,
        columns=published.written,
        types=tuple(published.types.items()),
        origin=published.origin,
        every=every,
        indexes=tuple(published.indexes.items()),
    )


def _require_inputs(made: Project) -> None:
    """Raise DefinitionError where a query reads a table that nothing fills; a fact or dimension reads sources alone."""
    raw = {f"raw.{name}" for name in made.sources}
    known = raw | {f"metrics.{name}" for name in made.declared_metrics} | LAID_OUT
    known |= {f"facts.{name}" for name in made.facts} | {f"dimensions.{name}" for name in made.dimensions}
    for one in (*made.facts.values(), *made.dimensions.values(), *made.declared_metrics.values()):
        of_sources = isinstance(one, Fact | Dimension)
        for table in one.inputs:
            if of_sources and table in known - raw:
                raise DefinitionError(one.path, f"it reads {table}", "Read tables in raw: facts stand on sources alone")
            if table not in known:
                near = _nearest(table, raw if of_sources else known)
                raise DefinitionError(one.path, f"it reads {table}, which nothing fills", near)


def _require_links(made: Project) -> None:
    """Raise DefinitionError where a fact or dimension is linked to a dimension, or a metric has rows, of none."""
    declared: tuple[Fact | Dimension, ...] = (*made.facts.values(), *made.dimensions.values())
    for one in declared:
        matches.require(one, made.sources)
        for link in one.links:
            if link.dimension not in made.dimensions:
                found = f"links.{link.name} leads to {link.dimension}, which is no dimension"
                raise DefinitionError(one.path, found, _nearest(link.dimension, made.dimensions))
    for metric in made.declared_metrics.values():
        if metric.rows not in {None, "month", *made.dimensions}:
            found = f"rows is {metric.rows}, which is neither month nor a dimension"
            raise DefinitionError(metric.path, found, _nearest(metric.rows or "", ["month", *made.dimensions]))


def _nearest(table: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(table, sorted(known), n=1)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(known))}"
