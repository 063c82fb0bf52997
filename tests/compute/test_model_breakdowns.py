"""The model of the funnels' breakdowns, proven on worlds small enough to add up in your head: section 5."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests import model
from tests.support.worlds import AS_OF, START, Build, at, only

TICK = timedelta(microseconds=1)


def splits(build: Build, name: str, by: str, **asked: Any) -> dict[str, int]:
    """The entrants under each breakdown value."""
    found = model.funnel(build.world, name, AS_OF, by=by, **asked)
    return {row["breakdown_value"]: row["reached"] for row in found if row["stage_number"] == 1}


def test_a_list_puts_a_unit_once_under_each_of_its_values() -> None:
    """Categories [a, a, b], [], [null, b]: a 1, b 2, (none) 2. By location '' is a value, null is none."""
    build = Build()
    brand = build.sponsor(company=None)
    build.gig(brand, categories=["a", "a", "b"], location="")
    build.gig(brand, categories=[])
    gig = build.gig(brand, categories=[None, "b"], created_at=AS_OF - TICK)
    assert splits(build, "gig", "category") == {"(none)": 2, "a": 1, "b": 2}
    assert splits(build, "gig", "location") == {"": 1, "(none)": 2}
    assert splits(build, "gig", "sponsor_industry") == {"(none)": 3}
    build.application(gig, build.influencer(influencer_type="Athlete"))
    assert splits(build, "application", "gig_category") == {"(none)": 1, "b": 1}
    assert splits(build, "application", "influencer_type") == {"Athlete": 1}
    only(build.world["gigs"], id=gig)["created_at"] = AS_OF
    assert splits(build, "application", "gig_category") == {"(none)": 1}


def test_an_invite_is_split_by_what_it_names_and_a_dangling_template_is_none() -> None:
    build = Build()
    agent = build.agent()
    template, contact = build.template(variant="B"), build.contact(agent, segment="hot", source="linkedin")
    build.invite(agent, contact, template_id=template, method="sms")
    build.invite(agent, template_id=model.identity("invite_templates", 99))
    build.invite(agent)
    assert splits(build, "invite", "template") == {"(none)": 2, str(template): 1}
    assert splits(build, "invite", "template_variant") == {"(none)": 2, "B": 1}
    assert splits(build, "invite", "contact_segment") == {"(none)": 2, "hot": 1}
    assert splits(build, "invite", "contact_source") == {"linkedin": 1, "manual": 2}
    assert splits(build, "invite", "method") == {"email": 2, "sms": 1}
    assert splits(build, "invite", "agent") == {str(agent): 3}


def test_currencies_are_normalised_and_none_is_usd() -> None:
    build = Build()
    application = build.application(build.gig(build.sponsor()), build.influencer())
    for currency in (" USD ", None, "Eur", ""):
        build.escrow_job(application, currency=currency)
    assert splits(build, "escrow", "currency") == {"": 1, "eur": 1, "usd": 2}


def test_months_are_those_of_the_reporting_zone() -> None:
    """23:00 UTC on 31 January is February in Berlin; 22:00 UTC on 31 March is April there, in summer time."""
    build = Build()
    agent = build.agent()
    build.invite(agent, sent_at=at("2026-01-31 23:00"))
    build.invite(agent, sent_at=at("2026-03-31 22:00"))
    assert splits(build, "invite", "month") == {"2026-01": 1, "2026-03": 1}
    assert splits(build, "invite", "month", tz="Europe/Berlin") == {"2026-02": 1, "2026-04": 1}


def test_by_two_at_once_a_unit_is_under_each_pair_of_its_values() -> None:
    """A gig of [a, b] at Oslo and one of [b] nowhere, whose brand is of sport: a Oslo 1, b Oslo 1, b (none) 1."""
    build = Build()
    brand = build.sponsor(industry="Sport")
    build.gig(brand, categories=["a", "b", "a"], location="Oslo")
    build.gig(brand, categories=["b"], location=None)
    by = ["gig.category", "location"]
    first = [row for row in model.funnel(build.world, "gig", AS_OF, by=by) if row["stage_number"] == 1]
    assert [(row["breakdown_value"], row["gig.category"], row["location"], row["reached"]) for row in first] == [
        ("a · Oslo", "a", "Oslo", 1),
        ("b · (none)", "b", "(none)", 1),
        ("b · Oslo", "b", "Oslo", 1),
    ]
    assert {row["breakdown"] for row in first} == {"gig.category, location"}
    assert splits(build, "gig", "gig.brand.industry") == {"Sport": 2}
    assert splits(build, "gig", "brand.company", where={"location": ["(none)"]}) == {"Acme": 1}
    assert splits(build, "gig", "category", where={"gig.category": ["a"]}) == {"a": 1, "b": 1}
    assert splits(build, "gig", "category", where={"category": ["a"]}) == {"a": 1}


def test_flags_periods_and_the_clock_are_texts() -> None:
    """Sent on Saturday, 10 January 2026 at midnight and at nine, the second accepted nobody knows when."""
    build = Build()
    agent = build.agent("gold")
    build.invite(agent)
    build.invite(agent, sent_at=START + timedelta(hours=9), status="accepted")
    assert splits(build, "invite", "is_accepted") == {"false": 1, "true": 1}
    assert splits(build, "invite", "hour") == {"00": 1, "09": 1}
    assert splits(build, "invite", "weekday") == {"6": 2}
    assert splits(build, "invite", "week") == {"2026-01-05": 2}
    assert splits(build, "invite", "agent.tier", where={"month": ["2026-01"], "is_joined": ["true"]}) == {}
    assert splits(build, "invite", "agent.tier", where={"month": ["2026-01"]}) == {"gold": 2}


def test_a_funnel_a_breakdown_or_a_within_that_cannot_be_is_an_error() -> None:
    for asked in ({"name": "sales"}, {"name": "gig", "by": "currency"}, {"name": "gig", "within": -TICK}):
        with pytest.raises(ValueError, match=r"no funnel|no breakdown|negative"):
            model.funnel(model.empty(), as_of=AS_OF, **asked)
