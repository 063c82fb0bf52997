"""Copies the listed columns of the listed tables from Postgres into the warehouse, as of one snapshot."""

from si_analytics.extract.reading import (
    FULL,
    INCREMENTAL,
    LOGGED,
    Reading,
    TableExtract,
    against,
    ask_log,
    every_row,
    read,
    snapshot,
    tables,
)
from si_analytics.extract.slots import advance

__all__ = [
    "FULL",
    "INCREMENTAL",
    "LOGGED",
    "Reading",
    "TableExtract",
    "advance",
    "against",
    "ask_log",
    "every_row",
    "read",
    "snapshot",
    "tables",
]
