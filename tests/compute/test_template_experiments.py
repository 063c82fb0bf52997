"""Experiments with invite templates: who takes part, and what the library fills in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import duckdb
import numpy as np
import polars as pl
import pytest
from scipy import stats

from si_analytics.compute import metrics, statistics
from si_analytics.definitions import project
from si_analytics.errors import DefinitionError, UnknownNameError
from tests.model.experiments import wilson
from tests.model.rules import half_away
from tests.support import warehouses
from tests.support.duck import AS_OF, BEFORE, TICK, Duck, key

TABLES = (
    "create table raw.invites (id uuid, agent_id uuid, method varchar, status varchar, template_id uuid,"
    " contact_id uuid, sent_at timestamptz, opened_at timestamptz, clicked_at timestamptz, accepted_at timestamptz,"
    " is_verified boolean, verified_at timestamptz, converted_user_id uuid)",
    "create table raw.users (id uuid, created_at timestamptz)",
    "create table raw.deals (id uuid, influencer_id uuid, sponsor_id uuid, status varchar, created_at timestamptz,"
    " completed_at timestamptz)",
    "create table raw.invite_templates (id uuid, agent_id uuid, name varchar, ab_test_variant varchar(1))",
)
AGENT, OTHER = key(901), key(902)


@pytest.fixture
def duck() -> Duck:
    return Duck(warehouses.in_memory(list(TABLES)))


def experiments(duck: Duck) -> list[dict[str, Any]]:
    """The metric as a refresh stores it."""
    metrics.compute(duck.connection, "template_experiments", warehouses.all_time(AS_OF))
    return warehouses.rows_of(duck.connection.table("metrics.template_experiments"))


def template(duck: Duck, variant: str | None, name: str = "Hello", owner: UUID = AGENT) -> UUID:
    return duck.add("invite_templates", name=name, ab_test_variant=variant, agent_id=owner)


def send(duck: Duck, used: UUID, sent: int, accepted: int, agent: UUID = AGENT) -> None:
    """That many invites of one template, of which so many were accepted."""
    for number in range(sent):
        duck.add("invites", agent_id=agent, template_id=used, status="accepted" if number < accepted else "sent")


def test_an_experiment_has_a_row_for_each_variant_and_one_comparison_on_both(duck: Duck) -> None:
    """A: 1 of 4 accepted; B: 3 of 4, over two templates of the name, one of them another agent's.

    B's share is three times A's: lift 2, difference 0.5; z is the root of 2.
    """
    send(duck, template(duck, "A"), sent=4, accepted=1)
    send(duck, template(duck, "B"), sent=2, accepted=2)
    send(duck, template(duck, "B", owner=OTHER), sent=2, accepted=1)
    compared = {
        "lift": Decimal("2.000000"),
        "difference": Decimal("0.500000"),
        "p_value": Decimal("0.157299"),
        "enough_data": False,
    }
    bounds = [(Decimal("0.045587"), Decimal("0.699358")), (Decimal("0.300642"), Decimal("0.954413"))]
    assert experiments(duck) == [
        {
            "agent_id": AGENT,
            "template_name": "Hello",
            "variant": variant,
            "sent": 4,
            "accepted": accepted,
            "acceptance": Decimal(accepted) / 4,
            "wilson_low": low,
            "wilson_high": high,
            **compared,
        }
        for variant, accepted, (low, high) in zip("AB", (1, 3), bounds, strict=True)
    ]


def test_the_columns_stand_in_the_order_of_the_contract_and_are_exact(duck: Duck) -> None:
    experiments(duck)
    stored = duck.connection.table("metrics.template_experiments")
    names = "agent_id template_name variant sent accepted acceptance wilson_low wilson_high lift difference"
    assert stored.columns == [*names.split(), "p_value", "enough_data"]
    types = dict(zip(stored.columns, map(str, stored.types), strict=True))
    assert (types["agent_id"], types["sent"], types["enough_data"]) == ("UUID", "BIGINT", "BOOLEAN")
    assert {types[name] for name in ("wilson_low", "wilson_high", "lift", "difference", "p_value")} == {"DECIMAL(38,6)"}


def test_what_is_no_experiment_has_no_row(duck: Duck) -> None:
    """Only A; A and no variant; B under another name; B by another agent; B from as_of on; B not sent; B dangling."""
    only_a = template(duck, "A")
    send(duck, only_a, sent=1, accepted=1)
    send(duck, template(duck, None), sent=1, accepted=1)
    send(duck, template(duck, "B", name="hello"), sent=1, accepted=1)
    b = template(duck, "B")
    send(duck, b, sent=1, accepted=1, agent=OTHER)
    duck.add("invites", agent_id=AGENT, template_id=b, sent_at=AS_OF)
    duck.add("invites", agent_id=AGENT, template_id=b, sent_at=None)
    send(duck, key(999), sent=1, accepted=1)
    assert experiments(duck) == []
    duck.add("invites", agent_id=AGENT, template_id=b, sent_at=AS_OF - TICK)
    assert [row["variant"] for row in experiments(duck)] == ["A", "B"]


def test_an_acceptance_counts_by_its_own_time_where_it_has_one(duck: Duck) -> None:
    """Of A one invite accepted just before as_of, one at as_of though its status says accepted: 1 of 2."""
    a = template(duck, "A")
    for accepted_at, status in ((AS_OF - TICK, "sent"), (AS_OF, "accepted")):
        duck.add("invites", agent_id=AGENT, template_id=a, sent_at=BEFORE, accepted_at=accepted_at, status=status)
    send(duck, template(duck, "B"), sent=1, accepted=0)
    assert [(row["sent"], row["accepted"]) for row in experiments(duck)] == [(2, 1), (1, 0)]


@pytest.mark.parametrize(
    ("accepted", "lift"), [((0, 0), None), ((2, 2), Decimal(0)), ((0, 2), None), ((2, 0), Decimal(-1))]
)
def test_there_is_no_p_value_where_all_did_the_same_and_no_lift_over_nothing(
    duck: Duck, accepted: tuple[int, int], lift: Decimal | None
) -> None:
    for variant, number in zip("AB", accepted, strict=True):
        send(duck, template(duck, variant), sent=2, accepted=number)
    for row in experiments(duck):
        assert row["lift"] == lift
        assert (row["p_value"] is None) == (accepted[0] == accepted[1])
        assert (row["wilson_low"] == 0) == (row["accepted"] == 0)
        assert (row["wilson_high"] == 1) == (row["accepted"] == 2)


@pytest.mark.parametrize(("sent_a", "sent_b", "enough"), [(30, 30, True), (29, 30, False), (30, 29, False)])
def test_thirty_of_each_are_enough(duck: Duck, sent_a: int, sent_b: int, enough: bool) -> None:
    send(duck, template(duck, "A"), sent_a, accepted=10)
    send(duck, template(duck, "B"), sent_b, accepted=20)
    assert [row["enough_data"] for row in experiments(duck)] == [enough, enough]


def test_a_negative_difference_is_rounded_away_from_zero(duck: Duck) -> None:
    """A: 1 of 1, B: 1 of 64: the difference of -63/64 is -0.984375 exactly; of 1 in 128 it is -0.9921875."""
    send(duck, template(duck, "A"), sent=1, accepted=1)
    b = template(duck, "B")
    send(duck, b, sent=64, accepted=1)
    assert experiments(duck)[0]["difference"] == Decimal("-0.984375")
    send(duck, b, sent=64, accepted=0)
    assert [row["difference"] for row in experiments(duck)] == [Decimal("-0.992188")] * 2
    assert [row["lift"] for row in experiments(duck)] == [Decimal("-0.992188")] * 2


def test_the_library_agrees_with_forty_digits_on_every_share_of_up_to_forty() -> None:
    for sent in range(1, 41):
        for accepted in range(sent + 1):
            exact = tuple(half_away(bound, 6) for bound in wilson(accepted, sent))
            assert statistics.wilson_interval(accepted, sent) == exact, (accepted, sent)


def test_statistics_keep_rows_order_and_types_and_need_no_rows() -> None:
    with duckdb.connect() as connection:
        rows = connection.sql(
            "select range as experiment, variant, range + 1 as sent, 1 as accepted, cast(null as decimal(9, 6)) as"
            " wilson_low, cast(null as decimal(9, 6)) as wilson_high, cast(null as decimal(9, 6)) as p_value"
            " from range(500), (values ('B'), ('A')) as variants (variant) order by experiment desc, variant desc"
        )
        filled = statistics.complete(connection, "two_proportions", rows)
        assert (filled.columns, filled.types) == (rows.columns, rows.types)
        kept = ["experiment", "variant", "sent", "accepted"]
        assert filled.pl().select(kept).equals(rows.pl().select(kept))
        assert filled.pl().filter(pl.col("wilson_low").is_null() | pl.col("wilson_high").is_null()).is_empty()
        assert set(filled.pl()["p_value"]) == {None, Decimal(1)}  # the shares are equal; of 1 of 1 nothing is known
        assert statistics.complete(connection, "two_proportions", rows.limit(0)).fetchall() == []


@pytest.mark.parametrize(
    "variants",
    [
        pytest.param("('A')", id="B is missing"),
        pytest.param("('A'), ('B'), ('B')", id="B stands there twice"),
        pytest.param("('A'), ('B'), ('C')", id="a third variant"),
        pytest.param("('A'), (null)", id="no variant"),
    ],
)
def test_rows_that_are_no_pairs_are_refused_in_one_sentence(variants: str) -> None:
    """As where a query joins wrongly: an experiment with its A alone, or one row too many."""
    with duckdb.connect() as connection:
        rows = connection.sql(
            "select 1 as agent_id, variant, 2 as sent, 1 as accepted, cast(null as decimal(9, 6)) as wilson_low,"
            " cast(null as decimal(9, 6)) as wilson_high, cast(null as decimal(9, 6)) as p_value"
            f" from (values {variants}) as variants (variant)"
        )
        with pytest.raises(DefinitionError, match="Give each agent_id one row whose variant is A and one") as told:
            statistics.complete(connection, "two_proportions", rows)
    assert len(str(told.value).splitlines()) == 1


def test_a_thousand_comparisons_are_those_of_scipys_own_tests() -> None:
    """Drawn with a fixed seed, some far apart and some equal; six places of each."""
    drawn = np.random.default_rng(1)
    sent = drawn.integers(1, 3000, (2, 1000))
    accepted = (sent * drawn.random((2, 1000)) ** 3).astype(int)
    found = statistics.p_values(accepted[0], sent[0], accepted[1], sent[1])
    for one, *counts in zip(found, accepted[0], sent[0], accepted[1], sent[1], strict=True):
        table = [[counts[0], counts[1] - counts[0]], [counts[2], counts[3] - counts[2]]]
        if counts[0] + counts[2] in {0, counts[1] + counts[3]}:
            assert np.isnan(one)
        else:
            assert abs(one - stats.chi2_contingency(table, correction=False).pvalue) < 1e-12


def test_every_statistic_a_header_names_is_there_and_another_is_refused() -> None:
    named = {name for metric in project().metrics.values() for name in metric.statistics}
    assert named == set(statistics.FUNCTIONS)
    with duckdb.connect() as connection, pytest.raises(UnknownNameError, match="There are: two_proportions"):
        statistics.complete(connection, "three_proportions", connection.sql("select 1"))
