"""Funnels as people ask for them: by any path, by two at once, filtered, compared, explained, printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import combinations

import duckdb
import psycopg
import pytest
from scipy import stats

from si_analytics import refresh
from si_analytics.compute import statistics
from si_analytics.errors import UnknownNameError, UsageError
from si_analytics.query import warehouse as query_warehouse
from si_analytics.query.warehouse import Warehouse
from si_analytics.settings import Settings
from tests import model
from tests.support import worlds
from tests.support.commands import Si
from tests.support.comparing import same
from tests.support.worlds import AS_OF, START, Build

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SENT = {"email": (40, 20), "sms": (40, 4), "both": (30, 14)}


def market() -> model.World:
    """Gold and silver agents invite in turn, so many by each method, of whom so many accept after an hour."""
    build = Build()
    agents = [build.agent("gold"), build.agent("silver")]
    templates = [build.template(variant=variant) for variant in ("A", "B", None)]
    for method, (sent, accepted) in SENT.items():
        for number in range(sent):
            done = {"accepted_at": START + HOUR * (number + 1)} if number < accepted else {}
            build.invite(agents[number % 2], method=method, template_id=templates[number % 3], **done)
    brand = build.sponsor(industry="Sport")
    for number, categories in enumerate((["a", "b"], ["b"], [])):
        gig = build.gig(brand, categories=categories, created_at=START + number * DAY)
        build.application(gig, build.influencer(), status="approved", reviewed_at=None)
    return build.world


WORLD = market()


@pytest.fixture(scope="module")
def using(
    create_database: Callable[..., str], schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    url = create_database(schema_template)
    with psycopg.connect(url, autocommit=True) as connection:
        worlds.insert(connection, WORLD)
    home = tmp_path_factory.mktemp("funnels")
    made = Settings(_env_file=None, postgres_url=url, home=home, warehouse=home / "warehouse.duckdb")  # type: ignore[arg-type, call-arg]
    refresh.run(made, as_of=AS_OF)
    return made


@pytest.fixture
def warehouse(using: Settings) -> Iterator[Warehouse]:
    with query_warehouse.connect(using) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "by", "where", "more"),
    [
        ("invite", None, {"agent.tier": ["gold"]}, {}),
        ("invite", "agent.tier", {"method": ["email", "sms"]}, {"within": 3 * HOUR}),
        ("invite", ["method", "template.variant"], {"is_accepted": ["true"]}, {"since": START}),
        ("gig", ["gig.category", "gig.brand.industry"], {}, {}),
        ("application", "gig.category", {"gig.category": ["b", "(none)"]}, {"as_of": START + 2 * DAY}),
        ("gig", ["week", "hour"], {}, {"tz": "Asia/Kolkata"}),
    ],
    ids=str,
)
def test_a_funnel_is_the_model_s_however_it_is_asked_for(
    warehouse: Warehouse, name: str, by: object, where: dict[str, list[str]], more: dict[str, object]
) -> None:
    found = warehouse.funnel(name, by=by, where=where, **more)  # type: ignore[arg-type]
    asked = {key: value for key, value in more.items() if key != "as_of"}
    expected = model.funnel(WORLD, name, more.get("as_of", AS_OF), by=by, where=where, **asked)  # type: ignore[arg-type]
    assert found.height > 0
    assert same(found.drop("conversion_low", "conversion_high"), expected)


def test_every_stage_has_wilsons_interval_of_its_conversion_from_the_start(warehouse: Warehouse) -> None:
    for row in warehouse.funnel("invite", by="method").iter_rows(named=True):
        sent, _ = SENT[row["breakdown_value"]]
        interval = (row["conversion_low"], row["conversion_high"])
        assert interval == statistics.wilson_interval(row["reached"], sent)
    nobody = warehouse.funnel("negotiation")
    assert nobody["conversion_low"].to_list() == nobody["conversion_high"].to_list() == [None] * 5


def test_values_are_compared_in_pairs_and_the_p_values_corrected_for_how_many_there_are(warehouse: Warehouse) -> None:
    """Three pairs. Smallest first, p times 3, p times 3 / 2 and p: none of them greater than the next."""
    found = warehouse.funnel_differences("invite", "accepted", by="method").to_dicts()
    pairs = list(combinations(sorted(SENT), 2))
    assert [(row["value_a"], row["value_b"]) for row in found] == pairs
    p = []
    for row, (a, b) in zip(found, pairs, strict=True):
        (n, accepted), (m, others) = SENT[a], SENT[b]
        assert (row["reached_a"], row["entered_a"], row["reached_b"], row["entered_b"]) == (accepted, n, others, m)
        p.append(stats.chi2_contingency([[accepted, n - accepted], [others, m - others]], correction=False).pvalue)
        assert float(row["p_value"]) == pytest.approx(p[-1], abs=6e-7)
        assert float(row["difference"]) == pytest.approx(others / m - accepted / n, abs=6e-7)
    ordered = sorted(p)
    ranked = [min(ordered[at] * 3 / (at + 1) for at in range(place, 3)) for place in range(3)]
    for row, one in zip(found, p, strict=True):
        assert float(row["p_corrected"]) == pytest.approx(ranked[ordered.index(one)], abs=6e-7)
    assert [row["significant"] for row in found] == [False, True, True]


def test_where_nobody_got_to_a_stage_nothing_is_compared_and_one_value_has_no_pair(warehouse: Warehouse) -> None:
    found = warehouse.funnel_differences("invite", "joined", by=["agent.tier"])
    assert found.select("p_value", "p_corrected", "significant", "difference").rows() == [
        (None, None, False, Decimal("0.000000"))
    ]
    assert warehouse.funnel_differences("gig", "applied", by="sponsor_industry").height == 0


@pytest.mark.parametrize(
    ("ask", "error", "sentence"),
    [
        (lambda it: it.funnel("gig", by="categories"), UnknownNameError, "Did you mean 'category'"),
        (lambda it: it.funnel("gig", where={"gig.colour": "red"}), UnknownNameError, "There are: category"),
        (lambda it: it.funnel("gig", by=["month", "month"]), UsageError, "it is asked for twice"),
        (lambda it: it.funnel("gig", by=""), UnknownNameError, "There are: category"),
        (lambda it: it.funnel_differences("gig", "posted", by="month"), UsageError, "every unit starts there"),
        (lambda it: it.funnel_differences("gig", "paid", by="category"), UsageError, "under several of its values"),
        (lambda it: it.funnel_differences("gig", "piad", by="month"), UnknownNameError, "Did you mean 'paid'"),
        (lambda it: it.groupings("gigs"), UnknownNameError, "Did you mean 'gig'"),
    ],
)
def test_what_cannot_be_asked_of_a_funnel_is_refused_with_what_can(
    warehouse: Warehouse, ask: Callable[[Warehouse], object], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        ask(warehouse)


def test_units_and_times_are_of_what_passes_the_filter(warehouse: Warehouse) -> None:
    where = {"agent.tier": "gold", "method": "email"}
    assert warehouse.stopped("invite", "accepted", where=where).height == 10
    times = warehouse.time_to_convert("invite", "accepted", by="agent.tier", where=where)
    assert set(times["breakdown_value"]) == {"gold"}
    assert times["hours_from_start"].to_list()[::100] == [Decimal("1.00"), Decimal("19.00")]


def test_a_cell_of_two_groupings_is_explained_by_its_units(warehouse: Warehouse) -> None:
    asked = {"by": ["method", "agent.tier"], "where": {"template.variant": ["A", None]}}
    rows = warehouse.funnel("invite", **asked).filter(stage_number=4).to_dicts()  # type: ignore[arg-type]
    for row in rows:
        key = (row["breakdown_value"], "accepted")
        assert warehouse.explain("invite", key, "reached", **asked).height == row["reached"]  # type: ignore[arg-type]
        by_row = warehouse.explain("invite", row, "reached", where=asked["where"])  # type: ignore[arg-type]
        assert by_row.height == row["reached"]


def test_the_query_of_a_funnel_gives_its_rows_in_a_shell(using: Settings, warehouse: Warehouse) -> None:
    asked = {"by": ["month", "agent.tier"], "where": {"method": "email"}, "within": "1d", "tz": "Asia/Kolkata"}
    for text, expected in (
        (warehouse.funnel_sql("invite", **asked), warehouse.funnel("invite", **asked)),  # type: ignore[arg-type]
        (warehouse.metric_sql("invite"), warehouse.funnel("invite")),
        (warehouse.metric_sql("conversion_funnels"), warehouse.metric("conversion_funnels")),
    ):
        wanted = expected.drop("conversion_low", "conversion_high", strict=False)
        with duckdb.connect(str(using.warehouse), read_only=True) as shell:
            assert shell.sql(text).fetchall() == wanted.rows()


def test_the_command_breaks_down_filters_compares_and_prints(si: Si, using: Settings, warehouse: Warehouse) -> None:
    words = ("metric", "invite", "--by", "method,agent.tier", "--where", "agent.tier=gold", "--where", "method=sms")
    found = si(using)(*words, "--json").document
    expected = warehouse.funnel("invite", by=["method", "agent.tier"], where={"agent.tier": "gold", "method": "sms"})
    assert [row["reached"] for row in found] == expected["reached"].to_list()
    compared = si(using)("metric", "invite", "--by", "method", "--differences", "accepted", "--json").document
    assert [row["significant"] for row in compared] == [False, True, True]
    assert "'gold'" in si(using)(*words, "--sql").out
    assert "--by method" in si(using)("metric", "invite", "--differences", "accepted").err
