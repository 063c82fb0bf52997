"""si_analytics: exact numbers for the Source Impact marketplace.

>>> import si_analytics as si
>>> warehouse = si.connect()
>>> warehouse.agent_leaderboard(since="2026-01-01", tz="Europe/Berlin")
>>> si.charts.funnel(warehouse.funnel("invite"))

Importing this module reads nothing and connects to nothing; what draws is loaded when first used.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

import sqlalchemy

from si_analytics import settings as _settings
from si_analytics.errors import AnalyticsError
from si_analytics.reader import Warehouse, connect
from si_analytics.settings import Settings

if TYPE_CHECKING:
    from si_analytics import charts, tables

__all__ = ["AnalyticsError", "Settings", "Warehouse", "charts", "connect", "engine", "tables"]

_DRAWING = ("charts", "tables")


def engine(*, read_only: bool = True) -> sqlalchemy.Engine:
    """A SQLAlchemy engine on the operational database; read-only unless asked otherwise.

    >>> polars.read_database("select count(*) from deals", si.engine())
    """
    from si_analytics import postgres

    return postgres.engine(_settings.load(), read_only=read_only)


def __getattr__(name: str) -> ModuleType:
    """`charts` and `tables`, whose libraries take a second to load that a refresh need not wait."""
    if name in _DRAWING:
        return importlib.import_module(f"si_analytics.{name}")
    raise AttributeError(f"module 'si_analytics' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, for tab completion."""
    return sorted(__all__)
