"""Builds the two statements that publish a target from its declaration: find the rows that differ, and write them.

Belongs here: building them as trees. `staging` stages what they read; a person can print both.
"""

from __future__ import annotations

import functools

from sqlglot import expressions as exp

from si_analytics.definitions import trees
from si_analytics.definitions.owners import Owner
from si_analytics.definitions.targets import Target
from si_analytics.definitions.trees import column, columns, relation

_TEMPORARY = "pg_temp"
_ACTIONS = ("inserted", "updated", "deleted")


@functools.lru_cache(maxsize=256)
def compare(target: Target) -> str:
    """The query of a target's rows that differ: its columns with their new values, and ``action``.

    An action is insert, update, delete, or skip for a row whose owner has gone since the extraction. A row that the
    metric lacks is deleted if its owner is gone; it stays if its owner came after the extraction.
    """
    steps: dict[str, exp.Expr] = {
        "staged": exp.select(*columns((*target.names, "is_gone"))).from_(
            relation(f"staging_{target.name}", _TEMPORARY)
        ),
        "standing": exp.select(*columns(target.names)).from_(relation(target.bare, target.schema)),
    }
    if target.parent is not None:
        steps[target.parent.plural] = target.parent.keys(target.space)
    steps["final"] = _differing(target)
    return trees.written(trees.in_steps(steps, trees.everything("final", target.key)))


@functools.lru_cache(maxsize=256)
def write(target: Target) -> str:
    """The statement that writes one part of the changes, ``%(part)s``: rows inserted, updated, deleted, skipped."""
    steps: dict[str, exp.Expr] = {
        "changes": exp.select(*columns((*target.names, "action")))
        .from_(relation(f"changes_{target.name}", _TEMPORARY))
        .where(column("part").eq(exp.Placeholder(this=exp.to_identifier("part"))))
    }
    if target.adds_rows:
        steps["inserted"] = _insert(target)
    steps["updated"] = _update(target)
    if target.adds_rows:
        steps["deleted"] = _delete(target)
    done = [
        exp.alias_(_count(name) if name in steps else exp.Literal.number(0), trees.identifier(name))
        for name in (*_ACTIONS, "changes")
    ]
    steps["counted"] = exp.select(*done)
    skipped: exp.Expr = column("changes")
    for name in _ACTIONS:
        skipped = exp.Sub(this=skipped, expression=column(name))
    last = exp.select(*columns(_ACTIONS), exp.alias_(skipped, "skipped")).from_("counted")
    # psycopg reads a percent sign as the start of a parameter.
    return trees.written(_doubling_per_cent(trees.in_steps(steps, last)))


def _differing(target: Target) -> exp.Select:
    key = target.key[0]
    found = exp.select(*columns(target.names, "staged"), exp.alias_(_action(target), "action"))
    same = trees.matching("staged", "standing", zip(target.key, target.key, strict=True))
    found = found.from_("staged").join(relation("standing"), on=same, join_type="left")
    is_gone, stands = column("is_gone", "staged"), trees.present(column(key, "standing"))
    differs = exp.NullSafeNEQ(
        this=exp.Tuple(expressions=columns(target.names, "staged")),
        expression=exp.Tuple(expressions=columns(target.names, "standing")),
    )
    if not target.adds_rows:
        return found.where(exp.and_(is_gone.not_(), differs))
    goes: exp.Expr = stands
    if target.parent is not None:
        owners = target.parent.plural
        on = trees.matching("staged", owners, [(key, target.parent.key)])
        found = found.join(relation(owners), on=on, join_type="left")
        goes = exp.and_(stands, column(target.parent.key, owners).is_(exp.null()))
    return found.where(exp.case().when(is_gone, goes).else_(differs))


def _action(target: Target) -> exp.Case:
    lacking = column(target.key[0], "standing").is_(exp.null())
    if not target.adds_rows:
        return _case([(lacking, "skip")])
    cases: list[tuple[exp.Expr, str]] = [(column("is_gone", "staged"), "delete")]
    if target.parent is not None:
        cases.append((column(target.parent.key, target.parent.plural).is_(exp.null()), "skip"))
    return _case([*cases, (lacking, "insert")])


def _case(cases: list[tuple[exp.Expr, str]]) -> exp.Case:
    found = exp.case()
    for condition, action in cases:
        found = found.when(condition, exp.Literal.string(action))
    return found.else_(exp.Literal.string("update"))


def _insert(target: Target) -> exp.Insert:
    conditions: list[exp.Expr] = [column("action").eq(exp.Literal.string("insert"))]
    if target.parent is not None:
        conditions.append(_owner_exists(target, target.parent))
    rows = exp.select(*columns(target.names)).from_("changes").where(*conditions)
    # A new owner may have a row by now: update it.
    conflict = exp.OnConflict(
        conflict_keys=trees.ordered(target.key),
        action=exp.var("DO UPDATE"),
        expressions=[column(name).eq(column(name, "excluded")) for name in target.columns],
    )
    return exp.Insert(
        this=exp.Schema(
            this=relation(target.bare, target.schema), expressions=list(map(trees.identifier, target.names))
        ),
        expression=rows.order_by(*trees.ordered(target.key)),
        conflict=conflict,
        returning=exp.Returning(expressions=[column(target.key[0])]),
    )


def _owner_exists(target: Target, owner: Owner) -> exp.Exists:
    """The condition that the owner's row exists now; a key in the table holds what else must exist."""
    same = column(owner.key, "source").eq(column(target.key[0], "changes"))
    place = relation(owner.table, target.space, "source")
    return exp.Exists(this=exp.select(exp.Literal.number(1)).from_(place).where(same, *owner.filters("source")))


def _update(target: Target) -> exp.Update:
    return exp.Update(
        this=relation(target.bare, target.schema, "target"),
        expressions=[column(name).eq(column(name, "changes")) for name in target.columns],
        from_=exp.From(this=relation("changes")),
        where=exp.Where(this=_changed(target, "update")),
        returning=exp.Returning(expressions=[column(target.key[0], "target")]),
    )


def _delete(target: Target) -> exp.Delete:
    return exp.Delete(
        this=relation(target.bare, target.schema, "target"),
        using=[relation("changes")],
        where=exp.Where(this=_changed(target, "delete")),
        returning=exp.Returning(expressions=[column(target.key[0], "target")]),
    )


def _changed(target: Target, action: str) -> exp.Expr:
    chosen = column("action", "changes").eq(exp.Literal.string(action))
    return trees.matching("target", "changes", zip(target.key, target.key, strict=True), chosen)


def _count(step: str) -> exp.Subquery:
    return exp.select(exp.Count(this=exp.Star())).from_(relation(step)).subquery()


def _doubling_per_cent(tree: exp.Select) -> exp.Select:
    for node in tree.find_all(exp.Identifier, exp.Literal):
        if "%" in node.this:
            node.set("this", node.this.replace("%", "%%"))
    return tree
