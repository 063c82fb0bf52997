"""The operational database: connections, sessions, locks, the embedded server.

Opens every session of ours, with our name, our time limits and UTC.
"""

from si_analytics.postgres.connection import (
    APPLICATION,
    NOTICED,
    SOURCE,
    TARGET,
    asking,
    connect,
    engine,
    is_pooled,
    leads_to,
    place,
    refused,
    shown,
    source_url,
    standby,
    time_limit,
    unknown_letters,
    url,
    without_password,
)

__all__ = [
    "APPLICATION",
    "NOTICED",
    "SOURCE",
    "TARGET",
    "asking",
    "connect",
    "engine",
    "is_pooled",
    "leads_to",
    "place",
    "refused",
    "shown",
    "source_url",
    "standby",
    "time_limit",
    "unknown_letters",
    "url",
    "without_password",
]
