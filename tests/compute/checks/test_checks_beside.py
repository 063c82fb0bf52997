"""Checks at work beside a refresh: heard in order, judged together, broken off where nobody waits for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from si_analytics.compute import checks, metrics
from si_analytics.errors import CheckFailedError
from tests.support.duck import AS_OF, Duck, key

VALUES = metrics.Parameters.all_time(AS_OF, "usd", "UTC").bound()


def raw() -> list[str]:
    """The checks that read nothing but raw tables."""
    return [name for name in checks.names() if checks.reads_only_raw(name)]


@contextmanager
def committed(duck: Duck) -> Iterator[None]:
    """What was added to the users so far is there for other connections too, within the block."""
    duck.connection.commit()
    try:
        yield
    finally:
        duck.connection.execute("delete from raw.users")
        duck.connection.begin()


def test_what_they_find_is_heard_in_the_order_they_were_named_and_is_what_each_finds_alone(duck: Duck) -> None:
    duck.add("users", id=key(1), created_at=None)
    heard: list[checks.CheckResult] = []
    with committed(duck):
        with checks.Beside(duck.connection, raw(), VALUES, heard.append) as beside:
            beside.require_passed(every=True)
        alone = [checks.run(duck.connection, name, VALUES) for name in raw()]
    assert [one.name for one in heard] == raw()
    assert [(one.rows, one.sample) for one in heard] == [(one.rows, one.sample) for one in alone]
    assert {one.name: one.rows for one in heard}["null_event_times"] == 1


def test_the_error_names_all_that_failed_however_early_it_was_asked_for(duck: Duck) -> None:
    for _ in range(2):
        duck.add("users", id=key(1), created_at="infinity")
    with (
        committed(duck),
        pytest.raises(CheckFailedError, match=r"duplicate_keys found 1 row .*; infinite_times found 2 rows"),
        checks.Beside(duck.connection, raw(), VALUES, lambda _: None) as beside,
    ):
        while True:
            beside.require_passed()


def test_leaving_early_leaves_nothing_running_and_the_connection_as_it_was(duck: Duck) -> None:
    running = threading.active_count()
    with pytest.raises(KeyboardInterrupt), checks.Beside(duck.connection, raw(), VALUES, lambda _: None):
        raise KeyboardInterrupt
    assert threading.active_count() == running
    assert duck.check("duplicate_keys").passed
