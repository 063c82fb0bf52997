"""The published numbers, computed by Postgres's own SQL and by pandas.

Belongs here: other ways to them, written from their definitions and sharing nothing with ``sql/``. They are the peers
a refresh is timed beside, and an outside reference for what it publishes.
"""

from benchmarks.published.with_postgres import RESULTS, postgres

__all__ = ["RESULTS", "postgres"]
