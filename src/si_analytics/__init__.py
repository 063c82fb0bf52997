"""si_analytics: exact numbers for the Source Impact marketplace.

>>> import si_analytics as si
>>> warehouse = si.connect()
>>> warehouse.agent_leaderboard(since="2026-01-01", tz="Europe/Berlin")
>>> si.charts.funnel(warehouse.funnel("invite"))

Importing this module reads nothing and connects to nothing.
"""

from __future__ import annotations

import sqlalchemy

from si_analytics import charts, tables
from si_analytics import settings as _settings
from si_analytics.errors import AnalyticsError
from si_analytics.reader import Warehouse, connect
from si_analytics.settings import Settings

__all__ = ["AnalyticsError", "Settings", "Warehouse", "charts", "connect", "engine", "tables"]


def engine(*, read_only: bool = True) -> sqlalchemy.Engine:
    """A SQLAlchemy engine on the operational database; read-only unless asked otherwise.

    >>> polars.read_database("select count(*) from deals", si.engine())
    """
    from si_analytics import postgres

    return postgres.engine(_settings.load(), read_only=read_only)
