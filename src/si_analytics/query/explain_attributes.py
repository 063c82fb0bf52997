"""The operational row behind a cell that is a value of it: a name, a tier, an id.

Belongs here: which columns of a metric are one column of an operational table, by their lineage, and reading that row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from si_analytics.compute import lineage
from si_analytics.definitions import project
from si_analytics.definitions.models import Metric


def columns(metric: Metric) -> tuple[str, ...]:
    """The columns of a metric with one row per agent, brand or the like that are a value of an operational row."""
    if metric.rows is None or len(metric.key) != 1 or metric.rows not in project().dimensions:
        return ()
    found = lineage.column_lineage(metric.name)
    measures = {*metric.cells, *metric.shows}
    plain = {column.name for column in metric.columns if not column.unit}
    return tuple(name for name, origins in found.items() if name in plain - measures and len(origins) == 1)


def of_metric(
    connection: duckdb.DuckDBPyConnection, metric: Metric, column: str, row: Mapping[str, Any]
) -> duckdb.DuckDBPyRelation:
    """The row of the table that the value stands in: its key, the table, the column, the value as text."""
    ((table, source_column),) = lineage.column_lineage(metric.name)[column]
    key = project().sources[table].key
    held = connection.sql(f"from raw.{table}")  # a declared source, never the user's text
    wanted = duckdb.ConstantExpression(str(row[metric.key[0]]))
    chosen = held.filter(duckdb.ColumnExpression(key).cast("varchar") == wanted)
    return chosen.select(
        duckdb.ColumnExpression(key).alias("id"),
        duckdb.ConstantExpression(table).alias("source_table"),
        duckdb.ConstantExpression(source_column).alias("source_column"),
        duckdb.ColumnExpression(source_column).cast("varchar").alias("value"),
    )
