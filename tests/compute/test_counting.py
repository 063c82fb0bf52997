"""A change of what is counted in is said by the next refresh: the time zone, the currency, the weights."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import psycopg
import pytest

from si_analytics import refresh
from si_analytics.compute import counting, metrics
from si_analytics.query import diff
from si_analytics.refresh import Refresh
from si_analytics.settings import Settings
from si_analytics.warehouse import versions
from tests.support import worlds
from tests.support.commands import Si
from tests.support.worlds import AS_OF, Build

ZONE = "Days and months are those of Asia/Tokyo, they were those of UTC"
CURRENCY = "Money is counted in eur, it was in usd"
WEIGHTS = "The performance score weighs total_deals 0.1 (was 0.2), total_earnings 0.4 (was 0.3)"
OTHER = {**metrics.DEFAULT_WEIGHTS, "total_earnings": Decimal("0.4"), "total_deals": Decimal("0.10")}


@pytest.fixture
def market(settings: Settings, postgres: psycopg.Connection) -> Iterator[Settings]:
    """One agent with a commission of 1.00 usd, refreshed once."""
    build = Build()
    build.transaction(build.agent(), "1.00")
    worlds.insert(postgres, build.world)
    assert refresh.run(settings, as_of=AS_OF).moved == (), "the first refresh has nothing to compare with"
    yield settings


@pytest.mark.parametrize("full", [False, True])
def test_a_refresh_says_what_it_counts_otherwise_than_the_one_before_and_the_next_says_nothing(
    market: Settings, full: bool
) -> None:
    other = market.model_copy(update={"timezone": "Asia/Tokyo", "currency": "eur"})
    assert refresh.run(other, as_of=AS_OF, weights=OTHER, full=full).moved == (ZONE, CURRENCY, WEIGHTS)
    assert refresh.run(other, as_of=AS_OF, weights=OTHER, full=full).moved == ()


@pytest.mark.parametrize(
    ("changed", "weights", "said"),
    [
        ({"timezone": "Asia/Tokyo"}, None, ZONE),
        ({"currency": "eur"}, None, CURRENCY),
        ({}, OTHER, WEIGHTS),
        ({}, {name: weight.normalize() for name, weight in metrics.DEFAULT_WEIGHTS.items()}, None),
    ],
)
def test_each_of_them_is_said_alone_and_one_that_is_written_otherwise_is_none(
    market: Settings, changed: dict[str, str], weights: dict[str, Decimal] | None, said: str | None
) -> None:
    report = refresh.run(market.model_copy(update=changed), as_of=AS_OF, weights=weights)
    assert report.moved == ((said,) if said else ())
    assert diff.moved(market, *versions.pair(market, None, None)) == report.moved


def test_a_refresh_that_is_taken_up_again_counts_as_it_did_whatever_the_settings_say(market: Settings) -> None:
    with Refresh.resume(market.model_copy(update={"timezone": "Asia/Tokyo"})) as again:
        assert again.finish().moved == ()


def test_a_refresh_that_fails_leaves_the_change_to_be_said_by_the_next(market: Settings) -> None:
    other = market.model_copy(update={"timezone": "Asia/Tokyo"})
    with pytest.raises(KeyboardInterrupt), Refresh(other, AS_OF) as failing:
        failing.extract()
        raise KeyboardInterrupt
    assert refresh.run(other, as_of=AS_OF).moved == (ZONE,)


def test_a_warehouse_of_another_version_does_not_tell_what_it_was_counted_in(market: Settings) -> None:
    with duckdb.connect(str(market.warehouse)) as opened:
        opened.execute("alter table meta.refreshes rename column timezone to zone")
    assert counting.published(market) is None
    assert refresh.run(market.model_copy(update={"timezone": "Asia/Tokyo"}), as_of=AS_OF).moved == ()


def test_the_command_line_says_it_after_a_refresh_before_one_and_between_any_two(market: Settings, si: Si) -> None:
    command = si(market)
    command.settings["SI_WAREHOUSE"] = str(market.warehouse)
    command.settings["SI_TIMEZONE"] = "Asia/Tokyo"
    sentence = f"Numbers moved though no row did: d{ZONE[1:]}"
    as_of = ("--as-of", AS_OF.isoformat())
    assert sentence in command("refresh", "--dry-run", *as_of).out
    assert command("refresh", "--dry-run", "--json", *as_of).document["moved"] == [ZONE]
    assert sentence in command("refresh", *as_of).out
    assert sentence in command("diff").err
    assert sentence in command("diff", "--metric", "agent_leaderboard").err
    assert sentence not in command("refresh", *as_of).out
    assert sentence not in command("diff").err
    assert sentence in command("diff", "1", "3").err
    command.settings["SI_CURRENCY"] = "eur"
    assert command("refresh", "--json", *as_of).document["moved"] == [CURRENCY]
