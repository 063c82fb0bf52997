"""What a query may bind, and what each of these says, declared once for all files.

A file declares only parameters of its own: of those declared here, it has the ones that its query binds.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from types import MappingProxyType

PARAMETERS: Mapping[str, str] = MappingProxyType(
    {
        "as_of": "timestamptz, exclusive",
        "since": "timestamptz or null, inclusive",
        "until": "timestamptz, exclusive",
        "last_moment": "timestamptz, the last before as_of",
        "last_day": "date, that of the last moment before as_of",
        "previous_since": "timestamptz or null: where the window before begins",
        "previous_until": "timestamptz or null: where it ends, null without one",
        "currency": "text",
        "tz": "IANA time zone of days and months",
        "slice": "microseconds in a slice of local_offsets",
        "year_2000": "timestamptz, the first moment of 2000",
        "within_microseconds": "microseconds a unit may take, or null",
    }
)
"""`compute.metrics.Parameters` gives them their values."""

_NAMED = re.compile(rf"\$(?:{'|'.join(PARAMETERS)})\b")


@functools.lru_cache(maxsize=1024)
def bound(text: str) -> tuple[str, ...]:
    """Those of `PARAMETERS` that a query binds, in their order.

    Raises duckdb.Error where a query that seems to bind one is no query of DuckDB's.
    """
    if not _NAMED.search(text):  # most files are no query of DuckDB's, or bind nothing
        return ()
    import duckdb

    found = {name for statement in duckdb.extract_statements(text) for name in statement.named_parameters}
    return tuple(name for name in PARAMETERS if name in found)
