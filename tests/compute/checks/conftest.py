"""A warehouse in memory for the tests of checks, with raw tables as an extraction makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb
import pytest

from si_analytics.settings import Settings
from tests.support import warehouses
from tests.support.duck import Duck


@pytest.fixture(scope="session")
def definitions(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """The statements that make the raw tables, as an extraction makes them."""
    home = tmp_path_factory.mktemp("definitions")
    url = create_database(schema_template)
    values = {"postgres_url": url, "home": home, "warehouse": home / "warehouse.duckdb"}
    return warehouses.raw_definitions(Settings(_env_file=None, **values))  # type: ignore[arg-type, call-arg]


@pytest.fixture(scope="session")
def connection(definitions: list[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse without rows."""
    opened = warehouses.in_memory(definitions)
    yield opened
    opened.close()


@pytest.fixture
def duck(connection: duckdb.DuckDBPyConnection) -> Iterator[Duck]:
    """That warehouse, to be filled; whatever a test does to it is undone."""
    with Duck(connection).undone() as empty:
        yield empty
