"""Who every agent, sponsor or user is, read from the queries of dimensions."""

from __future__ import annotations

import pytest

from si_analytics.definitions import owners
from si_analytics.errors import DefinitionError
from tests.support.declared_targets import every


def test_who_every_one_is_follows_from_the_query_of_a_dimension() -> None:
    agents = (
        "select agent_profiles.user_id as agent_id, users.name from raw.agent_profiles as agent_profiles"
        " inner join raw.users as users on agent_profiles.user_id = users.id"
    )
    brands = (
        "select users.id as sponsor_id, profiles.company from raw.users as users"
        " left join raw.sponsor_profiles as profiles on users.id = profiles.user_id where users.role = 'sponsor'"
    )
    assert owners.owner("agent", agents) == every("agent")
    assert owners.owner("brand", brands) == every("brand")
    assert owners.owner("user", "select id as user_id from raw.users") == every("user")


@pytest.mark.parametrize(
    "query",
    [
        "select lower(id) as id from raw.users",
        "select id from raw.users where rating > 3",
        "select id from raw.users where role = 'a' or role = 'b'",
        "select id from raw.users union all select id from raw.gigs",
        "select a.id from raw.a as a inner join raw.b as b using (id)",
        "select distinct gig_id from raw.deals",
        "select gig_id from raw.deals group by gig_id",
        "with x as (select 1 as id) select id from x",
        "select b.id from raw.a as a inner join raw.b as b on a.id = b.id",
        "select id from raw.users where role = 'a' and id in (select 1)",
        "select a.id from raw.a as a inner join raw.b as b on a.other = b.id",
        "select a.id from raw.a as a right join raw.b as b on a.id = b.id",
        "select a.id from raw.a as a cross join raw.b as b",
        "select id from metrics.users",
        "select id from (select 1 as id) as x",
        "select 1 as id",
    ],
)
def test_a_query_that_says_more_than_table_filter_and_joins_is_refused(query: str) -> None:
    with pytest.raises(DefinitionError, match="reading who every thing is"):
        owners.owner("thing", query)
