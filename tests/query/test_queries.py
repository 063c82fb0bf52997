"""What can be asked of the published warehouse: parameters, other moments and currencies, funnels unit by unit, boards.

The numbers are held against the model, on one small marketplace drawn once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from si_analytics import refresh
from si_analytics.errors import UnknownNameError, UsageError
from si_analytics.query import warehouse as query_warehouse
from si_analytics.settings import Settings
from tests import model
from tests.model.funnels import journey
from tests.model.rules import window_before
from tests.model.units import UNITS
from tests.support import worlds
from tests.support.comparing import same
from tests.support.worlds import AS_OF, START, Build

DAY = timedelta(days=1)
MEASURE = {"deals": "total_deals", "referrals": "total_referrals"}


def market() -> model.World:
    """Four agents. One earned most, one has most deals, one most recruits, one nothing; some of it in euro."""
    build = Build()
    first, second, third, _ = (build.agent(tier) for tier in ("gold", "silver", "bronze", "bronze"))
    sponsor, influencers = build.sponsor(), [build.influencer() for _ in range(5)]
    gig = build.gig(sponsor)
    build.referral(first, influencers[0], recruited_at=START)
    build.referral(second, influencers[1], recruited_at=START)
    for recruit in influencers[2:]:
        build.referral(third, recruit, recruited_at=START + 20 * DAY)
    build.deal(influencers[0], sponsor, gig, created_at=START + DAY, status="completed", completed_at=START + 40 * DAY)
    for day in (2, 30, 50):
        build.deal(influencers[1], sponsor, gig, created_at=START + day * DAY)
    build.transaction(first, "50.00", created_at=START + 40 * DAY)
    build.transaction(second, "20.00", created_at=START + DAY)
    build.transaction(second, "70.00", currency="eur", created_at=START + DAY)
    for hours in (1, 2, 5, 9):
        build.invite(first, opened_at=START + timedelta(hours=hours))
    build.invite(second, sent_at=START + 30 * DAY, accepted_at=START + 31 * DAY)
    build.invite(second, sent_at=AS_OF - DAY, status="accepted")
    return build.world


WORLD = market()


@pytest.fixture(scope="module")
def using(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    url = create_database(schema_template)
    with psycopg.connect(url, autocommit=True) as connection:
        worlds.insert(connection, WORLD)
        connection.execute("update agent_profiles set specialties = '{beauty,food}' where tier in ('gold', 'silver')")
        connection.execute("update agent_profiles set specialties = '{travel,null}' where tier = 'bronze'")
        connection.execute(
            "update influencer_profiles set location = 'Oslo' where user_id in"
            " (select recruited_user_id from referrals where agent_id in"
            " (select user_id from agent_profiles where tier = 'bronze'))"
        )
    home = tmp_path_factory.mktemp("questions")
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[arg-type, call-arg]
    refresh.run(made, as_of=AS_OF)
    return made


@pytest.fixture
def warehouse(using: Settings) -> Iterator[query_warehouse.Warehouse]:
    with query_warehouse.connect(using) as opened:
        yield opened


@pytest.mark.parametrize("currency", ["usd", " EUR "])
@pytest.mark.parametrize("as_of", [AS_OF, START + 35 * DAY])
@pytest.mark.parametrize("name", ["agent_leaderboard", "agent_performance_metrics", "marketplace_monthly"])
def test_a_metric_is_computed_anew_as_of_an_earlier_moment_and_in_another_currency(
    warehouse: query_warehouse.Warehouse, name: str, as_of: datetime, currency: str
) -> None:
    expected = model.METRICS[name](WORLD, as_of, currency=currency.strip().lower(), tz="UTC")
    assert same(warehouse.metric(name, as_of=as_of, currency=currency), expected)
    assert same(warehouse.metric(name), model.METRICS[name](WORLD, AS_OF)), "what is stored stays as it is"


def test_months_are_those_of_the_zone_asked_for(warehouse: query_warehouse.Warehouse) -> None:
    expected = model.marketplace_monthly(WORLD, AS_OF, tz="Pacific/Kiritimati")
    assert same(warehouse.marketplace_monthly(tz="Pacific/Kiritimati"), expected)


@pytest.mark.parametrize("currency", ["usd", "eur"])
def test_the_activity_of_a_window_that_is_a_month_is_that_month(
    warehouse: query_warehouse.Warehouse, currency: str
) -> None:
    tz = "Pacific/Kiritimati"
    months = model.marketplace_monthly(WORLD, AS_OF, tz=tz, currency=currency)
    assert len(months) > 1
    for month in months:
        day = str(month.pop("month"))
        assert same(warehouse.marketplace_activity(during=day[:7], tz=tz, currency=currency), [month])


def test_during_is_since_and_until_at_once(warehouse: query_warehouse.Warehouse) -> None:
    since, until = worlds.at("2026-02-01"), worlds.at("2026-03-01")
    expected = model.agent_leaderboard(WORLD, AS_OF, since, until)
    assert same(warehouse.agent_leaderboard(during="2026-02"), expected)
    assert same(warehouse.agent_leaderboard("2026-02", "2026-03"), expected)


@pytest.mark.parametrize("since", [None, START + 10 * DAY])
@pytest.mark.parametrize("by", ["deals", "referrals"])
def test_another_measure_goes_first_and_the_contract_s_order_follows(
    warehouse: query_warehouse.Warehouse, by: str, since: datetime | None
) -> None:
    def ranks(rows: list[dict[str, Any]]) -> dict[str, int]:
        ordered = sorted(rows, key=lambda row: (-row[MEASURE[by]], row["rank"]))
        return {str(row["agent_id"]): place for place, row in enumerate(ordered, start=1)}

    expected = ranks(model.agent_leaderboard(WORLD, AS_OF, since))
    found = warehouse.agent_leaderboard(since, by=by)
    assert {str(row["agent_id"]): row["rank"] for row in found.to_dicts()} == expected
    assert found["rank"].to_list() == [1, 2, 3, 4]
    if since is not None:
        rows = model.agent_leaderboard(WORLD, AS_OF, *window_before(since, AS_OF))
        nothing = {
            str(r["agent_id"]) for r in rows if not (r["total_earnings"] or r["total_deals"] or r["total_referrals"])
        }
        before = {agent: place for agent, place in ranks(rows).items() if agent not in nothing}
        assert {str(row["agent_id"]): row["previous_rank"] for row in found.to_dicts()} == {
            agent: before.get(agent) for agent in expected
        }


@pytest.mark.parametrize(
    ("shown", "ranks"),
    [
        ({"tier": "silver"}, [2]),
        ({"tier": ["gold", "bronze"]}, [1, 3, 4]),
        ({"tier": "platinum"}, []),
        ({"specialty": "travel"}, [3, 4]),
        ({"specialty": "food", "tier": "gold"}, [1]),
        ({"location": "Oslo"}, [3]),
    ],
)
def test_a_filter_chooses_who_is_shown_and_keeps_the_place_on_the_whole_board(
    warehouse: query_warehouse.Warehouse, shown: dict[str, Any], ranks: list[int]
) -> None:
    assert warehouse.agent_leaderboard(**shown)["rank"].to_list() == ranks


@pytest.mark.parametrize("within", [None, DAY, timedelta(hours=2)])
@pytest.mark.parametrize("since", [None, START + DAY])
def test_who_stopped_at_a_stage_are_those_whose_furthest_stage_it_is(
    warehouse: query_warehouse.Warehouse, within: timedelta | None, since: datetime | None
) -> None:
    furthest: dict[int, set[str]] = {}
    for unit in UNITS["invite"](WORLD, AS_OF):
        if since is None or unit.start >= since:
            own = journey(unit, AS_OF, within)
            last = max(place for place, moment in enumerate(own) if moment is not None)
            furthest.setdefault(last, set()).add(str(unit.row["id"]))
    for place, stage in enumerate(model.STAGES["invite"]):
        found = warehouse.stopped("invite", stage, within=within, since=since)
        assert {str(unit) for unit in found["unit_id"]} == furthest.get(place, set()), stage
        assert set(model.BREAKDOWNS["invite"]) <= set(found.columns)


def test_the_median_and_the_90th_percentile_are_those_of_the_funnel(warehouse: query_warehouse.Warehouse) -> None:
    """Opened after 1, 2, 5 and 9 hours: the median is 3.50, the 90th percentile 7.80."""
    times = warehouse.time_to_convert("invite", "opened")
    hours = dict(times.select("percentile", "hours_from_start").iter_rows())
    assert (len(hours), hours[0], hours[50], hours[90], hours[100]) == (101, 1, Decimal("3.50"), Decimal("7.80"), 9)
    assert times["units"].unique().to_list() == [4]
    opened = warehouse.funnel("invite").filter(stage="opened").to_dicts()[0]
    assert (opened["median_hours_from_start"], opened["p90_hours_from_start"]) == (hours[50], hours[90])
    assert warehouse.time_to_convert("invite", "opened", within="2h")["units"].unique().to_list() == [2]
    assert warehouse.time_to_convert("invite", "clicked").height == 0


def test_the_board_of_a_day_is_kept_and_found_by_its_day_and_agent(warehouse: query_warehouse.Warehouse) -> None:
    assert warehouse.history()["rank"].to_list() == [1, 2, 3, 4]
    ended = AS_OF.date() - DAY  # as of midnight: the day that ended
    assert warehouse.history(during="yesterday")["as_of_date"].unique().to_list() == [ended]
    assert warehouse.history(during="today").height == warehouse.history(until="yesterday").height == 0
    agent = str(warehouse.agent_leaderboard()["agent_id"][1])
    assert warehouse.history(agent)["rank"].to_list() == [2]
    assert warehouse.history(currency="eur").height == 0


@pytest.mark.parametrize(
    ("during", "since", "until"),
    [("last 4 weeks", "2026-03-01", "2026-03-29"), ("last quarter", "2025-11-01", "2026-02-01")],
)
def test_weeks_and_quarters_are_counted_by_the_settings_of_whoever_asks(
    using: Settings, during: str, since: str, until: str
) -> None:
    """As of 1 April 2026; weeks begin on Sunday, as 1 March with its deal was, and fiscal years in February."""
    asking = using.model_copy(update={"week_start": "sunday", "fiscal_year_start": "february"})
    with query_warehouse.connect(asking) as opened, query_warehouse.connect(using) as standard:
        found = opened.marketplace_activity(during=during)
        assert found.equals(standard.marketplace_activity(since, until))
        assert not found.equals(standard.marketplace_activity(during=during))


@pytest.mark.parametrize(
    ("ask", "error", "sentence"),
    [
        (lambda w: w.agent_leaderboard(by="money"), UnknownNameError, "There are: earnings, deals, referrals"),
        (lambda w: w.agent_leaderboard(tier="golden"), UnknownNameError, "Did you mean 'gold'.*bronze, silver, gold"),
        (lambda w: w.agent_leaderboard(specialty="foods"), UnknownNameError, "Did you mean 'food'.*beauty"),
        (lambda w: w.history("Kim Stone"), UsageError, "'Kim Stone': that is no id. Take one from the column agent_id"),
        (lambda w: w.agent_leaderboard(location="Olso"), UnknownNameError, "Did you mean 'Oslo'"),
        (lambda w: w.agent_leaderboard(currency="us dollars"), UsageError, "like usd, eur or eth"),
        (lambda w: w.agent_leaderboard(tz="Berlin/Europe"), UsageError, "it is not an IANA name"),
        (lambda w: w.agent_leaderboard(as_of="2027-01-01"), UsageError, "knows nothing after its refresh"),
        (lambda w: w.brand_reputations(tz="UTC"), UsageError, "it has no days or months"),
        (lambda w: w.metric("brand_reputations", currency="eur"), UsageError, "it adds up no money"),
        (lambda w: w.metric("brand_reputations", during="2026"), UsageError, "it describes all time"),
        (lambda w: w.metric("invite", currency="eur"), UsageError, "it adds up no money"),
        (lambda w: w.funnel("invite", within="-1d"), UsageError, "it is negative"),
        (lambda w: w.funnel("invite", by="colour"), UnknownNameError, "There are: method, agent"),
        (lambda w: w.stopped("invite", "paid"), UnknownNameError, "There are: sent, opened"),
        (lambda w: w.time_to_convert("invite", "sent"), UsageError, "Name a later one: opened"),
    ],
)
def test_what_means_nothing_is_refused_with_what_would(
    warehouse: query_warehouse.Warehouse,
    ask: Callable[[query_warehouse.Warehouse], Any],
    error: type[Exception],
    sentence: str,
) -> None:
    with pytest.raises(error, match=sentence):
        ask(warehouse)
