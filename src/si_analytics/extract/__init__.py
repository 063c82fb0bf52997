"""Copies the listed columns of the listed tables from Postgres into the warehouse, as of one snapshot."""

from si_analytics.extract.reading import (
    FULL,
    INCREMENTAL,
    Reading,
    TableExtract,
    against,
    every_row,
    read,
    snapshot,
    tables,
)

__all__ = ["FULL", "INCREMENTAL", "Reading", "TableExtract", "against", "every_row", "read", "snapshot", "tables"]
