"""What a query may bind, and what each of these says, declared once for all files."""

from __future__ import annotations

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
