"""Rows that are there twice change what counts them and nothing else: no join multiplies a sum."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from si_analytics.settings import Settings
from tests import model
from tests.support import crowds, warehouses
from tests.support.worlds import AS_OF, marketplaces

# Of each table the columns that count or add up its rows. Means, rates, ranks and percentiles of everything twice
# stay as they are; so does whatever is made of other tables.
_MONEY = {"total_earnings", "platform_revenue", "agent_payouts", "net_revenue", "refunds", "take_rate"}
_SENT = {"total_invites_sent", "opened_count", "clicked_count", "times_used", "sent", "accepted", "enough_data"}
_OF_UNITS = {"reached", "dropped", "immature", "median_hours_from_start", "p90_hours_from_start"}
COUNTED: dict[str, set[str]] = {
    "deals": {"total_deals", "new_deals", "completed_deals", "gmv", "take_rate", "rank"},
    "escrow_jobs": _OF_UNITS,
    "invites": {*_SENT, *_OF_UNITS, "wilson_low", "wilson_high", "p_value"},
    "messages": {"response_time", "performance_score"},  # who is first of two alike is a matter of ids
    "negotiation_offers": set(),
    "referrals": set(),
    "transactions": _MONEY,
    "user_reviews": {"review_count", "recruit_satisfaction_count", "reputation_score", "rank"},
}
WORLDS = st.one_of(marketplaces(), st.integers(0, 999).map(crowds.crowd))
few = settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def raw(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    home = tmp_path_factory.mktemp("invariants")
    url = create_database(schema_template)
    using = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore
    connection = warehouses.in_memory(warehouses.raw_definitions(using))
    yield connection
    connection.close()


def twice(world: model.World, table: str) -> model.World:
    """The same world with every row of the table there again, under another id."""
    again = [{**row, "id": UUID(int=row["id"].int ^ (1 << 40))} for row in world[table]]
    return {**world, table: [*world[table], *again]}


def computed(connection: duckdb.DuckDBPyConnection, world: model.World) -> dict[str, list[model.Row]]:
    """Every metric of the world."""
    warehouses.fill(connection, world)
    found = warehouses.compute_all(connection, warehouses.all_time(AS_OF))
    # A message that is there twice is two replies.
    return {name: found[name] for name in model.METRICS if name != "agent_replies"}


def less(found: dict[str, list[model.Row]], columns: set[str]) -> dict[str, list[model.Row]]:
    """The same without these columns, rows in the order of their first columns."""
    return {
        name: sorted(
            ({column: value for column, value in row.items() if column not in columns} for row in rows),
            key=lambda row: [str(value) for value in row.values()],
        )
        for name, rows in found.items()
    }


@few
@given(world=WORLDS)
def test_rows_there_twice_change_only_what_counts_them(raw: duckdb.DuckDBPyConnection, world: model.World) -> None:
    once = computed(raw, world)
    for table, counted in COUNTED.items():
        assert less(computed(raw, twice(world, table)), counted) == less(once, counted), table


@few
@given(world=WORLDS, data=st.data())
def test_who_is_recruited_by_somebody_else_as_well_counts_the_same_for_the_agents(
    raw: duckdb.DuckDBPyConnection, world: model.World, data: st.DataObject
) -> None:
    """Recruits once more, by a user who is no agent: nothing changes."""
    agents = {row["user_id"] for row in world["agent_profiles"]}
    others = [row["id"] for row in world["users"] if row["id"] not in agents]
    if not others:
        return
    other = data.draw(st.sampled_from(others))
    again = [{**row, "agent_id": other} for row in twice(world, "referrals")["referrals"][len(world["referrals"]) :]]
    more = {**world, "referrals": [*world["referrals"], *again]}
    assert less(computed(raw, more), set()) == less(computed(raw, world), set())
