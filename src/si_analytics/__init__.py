"""si_analytics: exact numbers for the Source Impact marketplace.

>>> import si_analytics as si
>>> warehouse = si.connect()
>>> warehouse.agent_leaderboard(since="2026-01-01", tz="Europe/Berlin")
>>> si.charts.funnel(warehouse.funnel("invite"))

Importing this module reads nothing and connects to nothing; every name is loaded when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from si_analytics import arguments
from si_analytics.errors import AnalyticsError

if TYPE_CHECKING:
    import sqlalchemy

    from si_analytics import charts, tables
    from si_analytics.packaged_sample import sample_warehouse
    from si_analytics.query.warehouse import Warehouse, connect
    from si_analytics.settings import Settings

__all__ = ["AnalyticsError", "Settings", "Warehouse", "charts", "connect", "engine", "sample_warehouse", "tables"]

_MODULES = ("charts", "tables")
_HOMES = {
    "Settings": "settings",
    "Warehouse": "query.warehouse",
    "connect": "query.warehouse",
    "sample_warehouse": "packaged_sample",
}


@arguments.checked
def engine(*, read_only: bool = True) -> sqlalchemy.Engine:
    """A SQLAlchemy engine on the operational database; read-only unless asked otherwise.

    >>> polars.read_database("select count(*) from deals", si.engine())
    """
    from si_analytics import postgres, settings

    return postgres.engine(settings.load(), read_only=read_only)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """The public names, whose libraries take a second to load that `si --help` need not wait."""
        if name in _MODULES:
            return importlib.import_module(f"si_analytics.{name}")
        if name in _HOMES:
            return getattr(importlib.import_module(f"si_analytics.{_HOMES[name]}"), name)
        raise AttributeError(f"module 'si_analytics' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, for tab completion."""
    return sorted(__all__)
