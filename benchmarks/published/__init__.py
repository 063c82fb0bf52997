"""The published numbers, computed by Postgres's own SQL.

Belongs here: a second way to them, written from their definitions and sharing nothing with ``sql/``. It is the peer
a refresh is timed beside, and an outside reference for what it publishes. May import: psycopg, and from
`si_analytics` the default weights alone.
"""

from benchmarks.published.with_postgres import RESULTS, postgres

__all__ = ["RESULTS", "postgres"]
