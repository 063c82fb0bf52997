"""Who stopped, how long it took, and boards by other measures: against the model, on any small marketplace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from si_analytics.compute.currencies import Present
from si_analytics.query import leaderboards, queries
from si_analytics.query.queries import FunnelQuestion
from si_analytics.query.question import Question
from si_analytics.settings import Settings
from tests import model
from tests.model.breakdowns import attribute_of, values_of
from tests.model.funnels import hours_from_start, journey
from tests.model.leaderboard import active_recruits
from tests.model.rules import half_away, in_window, percentile, window, window_before
from tests.model.units import UNITS
from tests.support import warehouses
from tests.support.crowds import crowd
from tests.support.worlds import AS_OF, as_ofs, funnel_queries, marketplaces
from tests.support.worlds import windows as spans

several = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
MEASURE = {"deals": "total_deals", "referrals": "total_referrals"}
SPECIALTIES = ("beauty", "food", "Food", "")
LOCATIONS = ("Oslo", "oslo", " Oslo", "")


@pytest.fixture(scope="module")
def raw(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    home = tmp_path_factory.mktemp("questions")
    url = create_database(schema_template)
    using = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore
    connection = warehouses.in_memory(warehouses.raw_definitions(using))
    yield connection
    connection.close()


@several
@given(world=marketplaces(), as_of=as_ofs(), data=st.data())
def test_who_stopped_and_how_long_it_took_are_the_model_s(
    raw: duckdb.DuckDBPyConnection, world: model.World, as_of: datetime, data: st.DataObject
) -> None:
    asked = data.draw(funnel_queries(as_of))
    name, within, by, tz = asked["name"], asked.get("within"), asked.get("by"), asked.get("tz", "UTC")
    since, until = asked.get("since"), asked.get("until")
    place = data.draw(st.integers(1, len(model.STAGES[name]) - 1))
    stage = model.STAGES[name][place]
    warehouses.fill(raw, world)
    present = Present(as_of, "usd", "UTC")
    question = Question(since, until, tz=tz)
    start, end = window(as_of, since, until)
    entrants = [unit for unit in UNITS[name](world, as_of) if in_window(unit.start, start, end)]
    own = [journey(unit, as_of, within) for unit in entrants]

    found = queries.stopped(raw, FunnelQuestion(name, question, within=within), stage, present)
    assert sorted(map(str, found["unit_id"])) == sorted(
        str(unit.row["id"])
        for unit, moments in zip(entrants, own, strict=True)
        if max(number for number, moment in enumerate(moments) if moment is not None) == place
    )

    groups: dict[str, list[Any]] = {}
    for unit, moments in zip(entrants, own, strict=True):
        values = ("all",) if by is None else values_of(unit, attribute_of(world, name, by, as_of, tz))
        for value in values:
            groups.setdefault(value, []).append((unit, moments))
    expected = []
    for value in sorted(groups):
        hours = hours_from_start([unit for unit, _ in groups[value]], [each for _, each in groups[value]], place)
        expected += [
            (value, part, half_away(percentile(hours, Fraction(part, 100)), 2), len(hours))
            for part in range(101)
            if hours
        ]
    times = queries.time_to_convert(raw, FunnelQuestion(name, question, by, within), stage, present)
    columns = ("breakdown_value", "percentile", "hours_from_start", "units")
    assert [tuple(row) for row in times.select(columns).iter_rows()] == expected


def places(rows: list[model.Row], by: str) -> dict[str, int]:
    """Every agent's place by a measure; ties go as on the board by earnings."""
    ordered = sorted(rows, key=lambda row: (-row[MEASURE[by]], row["rank"]))
    return {str(row["agent_id"]): place for place, row in enumerate(ordered, start=1)}


@several
@given(world=marketplaces(), as_of=as_ofs(), by=st.sampled_from(sorted(MEASURE)), data=st.data())
def test_boards_by_another_measure_are_the_model_s_in_any_window_for_any_tier(
    raw: duckdb.DuckDBPyConnection, world: model.World, as_of: datetime, by: str, data: st.DataObject
) -> None:
    since, until = data.draw(spans(as_of))
    tier = data.draw(st.sampled_from((None, "bronze", ["platinum", "gold"])))
    warehouses.fill(raw, world)
    start, end = window(as_of, since, until)
    rows = model.agent_leaderboard(world, as_of, since, until)
    rank = places(rows, by)
    before: dict[str, int] = {}
    if start is not None:
        earlier = model.agent_leaderboard(world, as_of, *window_before(start, end))
        nothing = {
            str(row["agent_id"])
            for row in earlier
            if not (row["total_earnings"] or row["total_deals"] or row["total_referrals"])
        }
        before = {agent: place for agent, place in places(earlier, by).items() if agent not in nothing}
    wanted = [tier] if isinstance(tier, str) else tier
    expected = sorted(
        (rank[agent], agent, before.get(agent), before[agent] - rank[agent] if agent in before else None)
        for row in rows
        for agent in [str(row["agent_id"])]
        if wanted is None or row["tier"] in wanted
    )
    board = leaderboards.Board(by=by, tier=tier)
    found = leaderboards.leaderboard(raw, board, Question(since, until), Present(as_of, "usd", "UTC"))
    columns = ("rank", "agent_id", "previous_rank", "rank_change")
    assert [(row[0], str(row[1]), *row[2:]) for row in found.select(columns).iter_rows()] == expected


def homed(raw: duckdb.DuckDBPyConnection, world: model.World, data: st.DataObject) -> dict[str, set[str | None]]:
    """Give every influencer and sponsor profile a location, and say which a user has: two profiles may be two."""
    homes: dict[str, set[str | None]] = {}
    for table in ("influencer_profiles", "sponsor_profiles"):
        for row in world[table]:
            location = data.draw(st.sampled_from((*LOCATIONS, None)))
            raw.execute(f"update raw.{table} set location = $1 where user_id = $2", [location, row["user_id"]])
            homes.setdefault(str(row["user_id"]), set()).add(location)
    return homes


def skilled(raw: duckdb.DuckDBPyConnection, world: model.World, data: st.DataObject) -> dict[str, set[str | None]]:
    """Give every agent specialties, none, or no list at all, and say which."""
    skills: dict[str, set[str | None]] = {}
    for row in world["agent_profiles"]:
        named = data.draw(st.none() | st.lists(st.sampled_from((*SPECIALTIES, None)), max_size=3))
        raw.execute("update raw.agent_profiles set specialties = $1 where user_id = $2", [named, row["user_id"]])
        skills[str(row["user_id"])] = set(named or ())
    return skills


@several
@given(world=marketplaces(), as_of=as_ofs(), by=st.sampled_from(sorted(MEASURE)), data=st.data())
def test_boards_of_a_specialty_or_location_show_whom_the_model_shows_at_their_places_on_the_whole_board(
    raw: duckdb.DuckDBPyConnection, world: model.World, as_of: datetime, by: str, data: st.DataObject
) -> None:
    """An agent is where an active recruit of before the window's end has a profile."""
    since, until = data.draw(spans(as_of))
    warehouses.fill(raw, world)
    skills, homes = skilled(raw, world, data), homed(raw, world, data)
    known = {
        name: {value for some in of.values() for value in some} - {None}
        for name, of in (("specialty", skills), ("location", homes))
    }
    asked = {
        name: data.draw(st.none() | st.sampled_from(sorted(values)) | st.lists(st.sampled_from(sorted(values))))
        for name, values in known.items()
        if values
    }
    wanted = {
        name: {value} if isinstance(value, str) else set(value) for name, value in asked.items() if value is not None
    }
    _, end = window(as_of, since, until)
    recruits, rows = active_recruits(world, end), model.agent_leaderboard(world, as_of, since, until)
    rank = places(rows, by)
    expected = sorted(
        (rank[str(row["agent_id"])], str(row["agent_id"]))
        for row in rows
        if ("specialty" not in wanted or skills[str(row["agent_id"])] & wanted["specialty"])
        and (
            "location" not in wanted
            or any(homes.get(str(recruit), set()) & wanted["location"] for recruit in recruits[row["agent_id"]])
        )
    )
    found = leaderboards.leaderboard(
        raw, leaderboards.Board(by, **asked), Question(since, until), Present(as_of, "usd", "UTC")
    )
    assert [(row[0], str(row[1])) for row in found.select("rank", "agent_id").iter_rows()] == expected


@pytest.mark.parametrize("currency", ["usd", "eur"])
def test_what_went_on_in_a_month_is_the_model_s_row_of_it(raw: duckdb.DuckDBPyConnection, currency: str) -> None:
    """A crowd of every status, currency and missing time; each of its months as a window of its own."""
    world, tz = crowd(1), "Asia/Kolkata"
    warehouses.fill(raw, world)
    present = Present(AS_OF, "usd", "UTC")
    months = model.marketplace_monthly(world, AS_OF, currency=currency, tz=tz)
    assert len(months) > 1
    for month in months:
        day = str(month.pop("month"))
        asked = Question(during=day[:7], currency=currency, tz=tz)
        found = queries.activity(raw, asked, present).row(0, named=True)
        assert {name: str(value) for name, value in found.items()} == {name: str(month[name]) for name in found}
