"""A currency that nobody ever paid in is refused, with those there are: a ranking in it would be all zeros."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest

from si_analytics import refresh
from si_analytics.compute import currencies
from si_analytics.errors import SettingsError, UnknownNameError
from si_analytics.query import warehouse as query_warehouse
from si_analytics.refresh import backfill
from si_analytics.settings import Settings
from tests.model import World
from tests.support import worlds
from tests.support.commands import Si
from tests.support.worlds import AS_OF, START, Build

DAY = timedelta(days=1)
Ask = Callable[[query_warehouse.Warehouse], object]


def marketplace() -> World:
    """One agent paid 10.00 in euro and 5.00 without a currency, which is in dollars; an odd one cannot be asked for."""
    build = Build()
    agent = build.agent()
    build.transaction(agent, "10.00", currency=" EUR ")
    build.transaction(agent, "5.00", currency=None)
    build.transaction(agent, "1.00", currency="\tusd")
    return build.world


@pytest.fixture(scope="module")
def paid(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """That marketplace, refreshed; only read by the tests that share it."""
    home, url = tmp_path_factory.mktemp("paid"), create_database(schema_template)
    with psycopg.connect(url, autocommit=True) as connection:
        worlds.insert(connection, marketplace())
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[arg-type, call-arg]
    refresh.run(made, as_of=AS_OF)
    return made


@pytest.fixture
def own(settings: Settings, postgres: psycopg.Connection) -> Settings:
    """The same for one test, which may write."""
    worlds.insert(postgres, marketplace())
    refresh.run(settings, as_of=AS_OF)
    return settings


@pytest.mark.parametrize(
    "ask",
    [
        lambda w: w.agent_leaderboard(currency="EURO"),
        lambda w: w.agent_leaderboard(currency="EURO", by="deals"),
        lambda w: w.history(currency="EURO"),
        lambda w: w.agent_performance_metrics(currency="EURO"),
        lambda w: w.marketplace_monthly(currency="EURO"),
        lambda w: w.marketplace_activity(currency="EURO"),
        lambda w: w.metric("agent_profile_summaries", currency="EURO"),
        lambda w: w.explain(
            "agent_leaderboard", w.agent_leaderboard()["agent_id"][0], "total_earnings", currency="EURO"
        ),
    ],
)
def test_a_mistyped_currency_is_refused_with_those_there_are_whatever_is_asked(paid: Settings, ask: Ask) -> None:
    with (
        query_warehouse.connect(paid) as warehouse,
        pytest.raises(UnknownNameError, match=r"currency 'euro': no money was recorded in it\. Did you mean 'eur'\?"),
    ):
        ask(warehouse)


def test_the_currencies_of_the_data_and_usd_are_answered_however_they_are_written(paid: Settings) -> None:
    with query_warehouse.connect(paid) as warehouse:
        for currency, earned in (("EUR", "10.00"), (" usd", "5.00")):
            board = warehouse.agent_leaderboard(currency=currency)
            assert [f"{amount}" for amount in board["total_earnings"]] == [earned]


def test_a_day_is_filled_afterwards_in_a_currency_of_the_data_alone(own: Settings) -> None:
    day = START.date()
    assert backfill.backfill(own, day, day, currency="eur").currency == "eur"
    with pytest.raises(UnknownNameError, match=r"There are: eur, usd"):
        backfill.backfill(own, day, day, currency="xyz")


def test_the_command_line_refuses_it_in_one_sentence(si: Si, paid: Settings) -> None:
    outcome = si(paid)("metric", "agent_leaderboard", "--currency", "xyz")
    assert outcome.code == 2
    assert "currency 'xyz': no money was recorded in it. There are: eur, usd" in outcome.err
    assert outcome.out == ""


def test_a_refresh_in_a_currency_that_nobody_paid_in_publishes_nothing(own: Settings) -> None:
    with pytest.raises(SettingsError, match=r"SI_CURRENCY, 'eurr'.*Nothing was published\. Did you mean 'eur'\?"):
        refresh.run(own.model_copy(update={"currency": "eurr"}), as_of=AS_OF)
    with query_warehouse.connect(own) as warehouse:
        assert warehouse.currency == "usd"
    assert refresh.run(own.model_copy(update={"currency": "eur"}), as_of=AS_OF + DAY).metrics["agent_leaderboard"] == 1


def test_a_refresh_in_an_official_currency_that_nobody_was_paid_in_yet_counts_nothing(own: Settings) -> None:
    refresh.run(own.model_copy(update={"currency": "chf"}), as_of=AS_OF)
    with query_warehouse.connect(own) as warehouse:
        assert warehouse.agent_leaderboard()["total_earnings"].to_list() == [Decimal("0.00")]
        with pytest.raises(UnknownNameError, match="xyz"):
            warehouse.agent_leaderboard(currency="xyz")


def test_a_new_marketplace_may_be_refreshed_in_any_currency_and_asked_in_that_and_in_usd(settings: Settings) -> None:
    refresh.run(settings.model_copy(update={"currency": "chf"}), as_of=AS_OF)
    with query_warehouse.connect(settings) as warehouse:
        assert warehouse.agent_leaderboard(currency="chf").height == 0
        assert warehouse.agent_leaderboard(currency="usd").height == 0
        with pytest.raises(UnknownNameError):
            warehouse.agent_leaderboard(currency="eur")


def test_usd_is_known_whatever_was_paid_in() -> None:
    assert currencies.require("usd", ("eur",)) == "usd"
    currencies.require_setting("usd", ("eur",))
