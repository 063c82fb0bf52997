"""One assistant for the tests of a module: it asks the sample marketplace's warehouse."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from si_analytics import packaged_sample
from si_analytics.mcp.copying import Copy
from si_analytics.query.warehouse import Warehouse
from si_analytics.settings import Settings
from tests.support import assistants
from tests.support.assistants import Assistant


@pytest.fixture(scope="module")
def original() -> Iterator[Warehouse]:
    """The warehouse itself, names and all."""
    with packaged_sample.sample_warehouse() as opened:
        yield opened


@pytest.fixture(scope="module")
def copied(original: Warehouse) -> Iterator[Settings]:
    """Settings on its copy."""
    with Copy(original.settings) as copy:
        yield original.settings.model_copy(update={"warehouse": copy.current()})


@pytest.fixture(scope="module")
def elsewhere(original: Warehouse) -> dict[str, str]:
    """The environment an assistant is told: where the warehouse is, and a password that it must not see."""
    secret = "postgresql://somebody:wordnobodyknows@127.0.0.1:1/nowhere"
    warehouse = str(original.settings.warehouse)
    return {"SI_WAREHOUSE": warehouse, "SI_HOME": os.path.dirname(warehouse), "SI_POSTGRES_URL": secret}  # noqa: PTH120


@pytest.fixture(scope="module")
def ask(elsewhere: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """An assistant with the limits that people get."""
    folder: Path = tmp_path_factory.mktemp("assistant")
    with assistants.connected(folder, elsewhere) as assistant:
        yield assistant
        assert list(folder.iterdir()) == []
