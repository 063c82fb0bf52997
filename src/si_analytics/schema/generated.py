"""What the schema and the roles have because something is extracted or published, made from those declarations.

Belongs here: the views of sources, what each role is granted, and the boards' views and indexes. The roles themselves
and the record of refreshes are written by hand.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from sqlglot import expressions as exp

from si_analytics.definitions import Project, Script, trees
from si_analytics.definitions.boards import board_table
from si_analytics.definitions.targets import OPERATIONAL, OURS, Target, boards
from si_analytics.definitions.trees import column, columns, relation

READER, PUBLISHER = "si_reader", "si_publisher"

_MARKS = (("xmin", "row_version", "xid"), ("ctid", "row_place", "tid"))
_WRITTEN_BY = "xmin"
_READ_WITH_MARKS = ("ctid", _WRITTEN_BY, "tableoid")
_ON_BOARDS = ("select", "insert", "update", "delete")
_Granted = dict[str, dict[str, None]]


@dataclass(frozen=True)
class Read:
    """What is read of an operational table: its name and columns.

    ``later`` are the columns that were added once the source's view was out: a view takes new ones at its end only.
    ``digests`` are columns of which the view shows the digest alone.
    ``marked`` says whether rows have a version and a place; those of a view in the table's stead have neither.
    """

    name: str
    columns: tuple[str, ...]
    later: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    marked: bool = True


def reads(ours: Project, unmarked: Container[str] = ()) -> tuple[Read, ...]:
    """What is read of every source; of those `unmarked`, views stand in the tables' stead."""
    return tuple(
        Read(one.name, one.columns, one.later, one.digests, one.name not in unmarked) for one in ours.sources.values()
    )


def scripts(ours: Project) -> tuple[Script, ...]:
    """The boards' tables and materialized views, and the views of sources."""
    shown = boards(ours.targets.values())
    kept = "".join(map(board_table, shown))
    tables = _script("boards", "the tables of the boards, which only refreshes write.", kept, ())
    tables = tables.model_copy(update={"tables": tuple(one.table for one in shown)})
    views = [
        _script(one.name, f"the board of {one.metric} as of the last refresh.", board_view(one), (one.label,))
        for one in shown
    ]
    sources = reads(ours)
    summary = "what a role may read that is to see the extracted columns and nothing else of their tables."
    return (tables, *views, _script("sources", summary, source_views(sources), tuple(one.name for one in sources)))


def _script(name: str, summary: str, text: str, inputs: tuple[str, ...]) -> Script:
    return Script(name=name, path=f"si schema sql {name}", text=text, summary=summary, inputs=inputs)


def source_view(source: Read) -> str:
    """The view of a source: the columns that are read of it, with the version and the place of each row."""
    first = [name for name in source.columns if name not in source.later]
    marks = [
        exp.alias_(column(mark) if source.marked else exp.cast(exp.null(), exp.DataType.build(kind, udt=True)), shown)
        for mark, shown, kind in _MARKS
    ]
    shown = [*values(source, first), *marks, *values(source, source.later)]
    query = exp.select(*shown).from_(relation(source.name))
    return _statement(exp.Create(this=_shown(source), kind="VIEW", replace=True, expression=query))


def values(source: Read, names: Iterable[str]) -> list[exp.Expr]:
    """Those columns, or the digests of them."""
    return [exp.alias_(exp.MD5(this=column(one)), one) if one in source.digests else column(one) for one in names]


def source_views(sources: Iterable[Read]) -> str:
    """The view of every source."""
    return "\n".join(map(source_view, sources))


def reader_grants(sources: Iterable[Read], space: str = OPERATIONAL) -> str:
    """What si_reader is granted: the view of every source, and of its table the columns that are read as they are.

    By column, a right on a table does not cover the marks of its rows: they are granted by name.
    """
    every = list(sources)
    views = [_grant(READER, _shown(source), {"select": {}}) for source in every]
    tables = [
        _grant(
            READER,
            relation(source.name, space),
            {"select": dict.fromkeys((*_plain(source), *(_READ_WITH_MARKS if source.marked else ())))},
        )
        for source in every
    ]
    return "\n".join((*views, *tables))


def _plain(source: Read) -> list[str]:
    return [name for name in source.columns if name not in source.digests]


def publisher_grants(targets: Iterable[Target]) -> str:
    """What si_publisher is granted: to compare and write every target, and to see whose rows they are.

    A right on columns does not cover which transaction wrote a row, by which changes are found: it is granted by name.
    """
    every = sorted(targets, key=lambda target: target.name)
    granted: dict[tuple[str, str], _Granted] = {}
    for target in every:
        for table, name in target.looked_up:
            _add(granted, (target.space, table), "select", (name,))
    for target in every:
        place = (target.schema, target.bare)
        if target.is_board:
            granted[place] = {privilege: {} for privilege in _ON_BOARDS}
            continue
        _add(granted, place, "select", (*target.names, _WRITTEN_BY))
        if target.adds_rows:
            _add(granted, place, "insert", target.names)
        _add(granted, place, "update", target.columns)
        if target.adds_rows:
            _add(granted, place, "delete", ())
    return "\n".join(_grant(PUBLISHER, relation(name, schema), all_of) for (schema, name), all_of in granted.items())


def board_view(target: Target) -> str:
    """The materialized view that shows a board, and its indexes.

    The unique one is what lets ``refresh materialized view concurrently`` leave readers alone.
    """
    query = exp.select(*columns(target.names)).from_(relation(target.bare, target.schema))
    view = exp.Create(
        this=relation(target.name),
        kind="VIEW",
        exists=True,
        properties=exp.Properties(expressions=[exp.MaterializedProperty()]),
        expression=query,
    )
    named = target.indexes
    if target.key not in dict(named).values():
        named = (("_".join(target.key), target.key), *named)
    return "\n".join((_statement(view), "".join(_index(target, *each) for each in named)))


def board_views(targets: Iterable[Target]) -> dict[str, str]:
    """The text that makes each board's view, by name."""
    return {target.name: board_view(target) for target in boards(targets)}


def _shown(source: Read) -> exp.Table:
    return relation(f"source_{source.name}", OURS)


def _index(target: Target, name: str, on: tuple[str, ...]) -> str:
    index = exp.Index(
        this=trees.identifier(f"idx_{target.name}_{name}"),
        table=relation(target.name),
        params=exp.IndexParameters(columns=trees.ordered(on)),
    )
    return _statement(exp.Create(this=index, kind="INDEX", unique=on == target.key, exists=True))


def _add(
    granted: dict[tuple[str, str], _Granted], place: tuple[str, str], privilege: str, names: Iterable[str]
) -> None:
    """Add columns to what is granted on a relation, each once; none stands for the whole of it."""
    granted.setdefault(place, {}).setdefault(privilege, {}).update(dict.fromkeys(names))


def _grant(role: str, on: exp.Table, privileges: _Granted) -> str:
    listed = [
        exp.GrantPrivilege(this=exp.var(privilege.upper()), expressions=columns(names))
        for privilege, names in privileges.items()
    ]
    principal = exp.GrantPrincipal(this=trees.identifier(role))
    return _statement(exp.Grant(privileges=listed, securable=on, principals=[principal]))


def _statement(tree: exp.Expr) -> str:
    return f"{trees.written(tree).rstrip()};\n"
