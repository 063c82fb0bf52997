"""Two sets of rows held against each other, cell by cell."""

from __future__ import annotations

from typing import Any

import polars as pl


def plain(frame: pl.DataFrame, columns: list[str]) -> list[dict[str, Any]]:
    return [{name: str(value) for name, value in row.items()} for row in frame.select(columns).to_dicts()]


def same(frame: pl.DataFrame, rows: list[dict[str, Any]]) -> bool:
    """Whether a frame holds the model's rows, in their order, under their columns."""
    assert rows
    return plain(frame, list(rows[0])) == [{name: str(value) for name, value in row.items()} for row in rows]


def differences(expected: list[dict[str, Any]], found: list[dict[str, Any]]) -> list[str]:
    """Where two lists of rows part, cell by cell, in words."""
    if len(expected) != len(found):
        return [f"{len(expected)} rows expected, {len(found)} found: {expected} / {found}"]
    return [
        f"row {number}: {column} should be {right.get(column)!r}, is {row.get(column)!r} in {row}"
        for number, (right, row) in enumerate(zip(expected, found, strict=True))
        for column in right.keys() | row.keys()
        if right.get(column) != row.get(column)
    ]
