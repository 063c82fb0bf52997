"""A query with everything it needs beside the warehouse's tables, for people who run it elsewhere.

Belongs here: putting the facts, the values and the offsets of the time zone into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from si_analytics.compute import facts
from si_analytics.compute.currencies import Present
from si_analytics.definitions import literals
from si_analytics.warehouse import local_offsets


def shown(
    connection: duckdb.DuckDBPyConnection, text: str, inputs: Iterable[str], values: Mapping[str, Any], present: Present
) -> str:
    """A query with everything it needs beside the warehouse's tables: its values, and the offsets of the time zone."""
    whole = facts.read(connection, text, inputs, values["as_of"])
    steps = {}
    if local_offsets.TABLE in whole:
        rows = [
            tuple(literals.moment(one) if isinstance(one, str) and one.endswith("infinity") else one for one in row)
            for row in local_offsets.rows(values["tz"], present.as_of)
        ]
        steps[local_offsets.TABLE] = literals.table(local_offsets.COLUMNS, rows)
    return literals.filled(whole, values, steps)
