"""Small ugly marketplaces for Hypothesis: everything the schema allows, crowded around a few moments.

Belongs here: the strategy for worlds.

Times come from a short list, so that ties, exact bounds and halves of a rounding step are common
and not a matter of luck; ids are scrambled, so that the order of ids is not that of writing.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from tests.model import COLUMNS, Row, World, empty
from tests.support.further_tables import further
from tests.support.moments import MESSAGE_MOMENTS, Draw, times

CURRENCIES = ("usd", "usd", " USD ", "EUR", "eur", None, "", "\tusd", "\u00a0usd", "btc")
TEXTS = ("Berlin", "", None, " Berlin", "Córdoba", "(none)", "all")
ESCROW_STATUSES = (
    *("released", "released", "released", "pending_payment", "payment_processing", "locked", "work_in_progress"),
    *("work_submitted", "under_review", "approved", "releasing", "refunding", "refunded", "disputed", None),
)
TRANSACTION_TYPES = (
    *("agent_commission", "agent_commission", "agent_commission", "commission_deduct", "refund"),
    *("payment_in", "escrow_lock", "release", "withdrawal"),
)
AMOUNTS = tuple(map(Decimal, ("10.00", "0.00", "0.01", "33.33", "-5.00", "10.00", "1000000.00")))
RATINGS = tuple(map(Decimal, ("5.0", "4.3", "4.4", "1.0", "3.5", "2.7")))
FLAGS = (True, True, False, None)
GIG_STATUSES = ("open", "in_progress", "completed", "cancelled", None)
SPECIALTIES = ("beauty", "food", "Food", "", None)
RECRUITED_TYPES = ("influencer", "sponsor")
_HIGH_BITS = (0x00000001, 0x80000001, 0x7FFFFFFF, 0xFFFFFFFF)

Fields = dict[str, st.SearchStrategy[Any]]


@st.composite
def marketplaces(draw: Draw, max_users: int = 12) -> World:
    """A world that Postgres would take: of a few rows per table, or of none at all in many of them."""
    plan = Plan(draw, empty(), draw(st.booleans()))
    _people(plan, max_users)
    if plan.world["users"]:
        _trade(plan)
        _escrow_and_money(plan)
        _talk(plan)
        _recruiting(plan)
        _reviews(plan)
        _further(plan)
    return plan.world


def scrambled(table: str, number: int) -> UUID:
    """The id of a table's row of that number: readable, but in no order of numbers or of signs."""
    place = list(COLUMNS).index(table) + 1
    return UUID(int=(_HIGH_BITS[number % 4] << 96) | (place << 64) | number)


@dataclass(frozen=True)
class Plan:
    """A marketplace in the making; a crowded one has something in every table, so that rows meet."""

    draw: Draw
    world: World
    crowded: bool

    def add(self, table: str, most: int, fields: Fields, unique: tuple[str, ...] = ()) -> None:
        """Rows of those fields, no two alike in the columns of `unique`."""
        room = most if not unique else min(2, len(self.world["users"]))  # of what is unique there may not be more

        def key(row: Row) -> Hashable:
            return tuple(row[column] for column in unique)

        rows = st.lists(
            st.fixed_dictionaries(fields),
            min_size=room // 2 if self.crowded else 0,
            max_size=most,
            unique_by=key if unique else None,
        )
        for number, row in enumerate(self.draw(rows), start=1):
            whole: Row = {"id": scrambled(table, number)}
            for names, value in row.items():  # "a b" is a pair drawn together
                whole.update(zip(names.split(), value, strict=True) if " " in names else {names: value})
            self.world[table].append({column: whole[column] for column in COLUMNS[table]})

    def ids(self, table: str) -> list[UUID]:
        return [row[COLUMNS[table][0]] for row in self.world[table]]

    def user(self, *likely: Sequence[UUID]) -> st.SearchStrategy[UUID]:
        """Any user, but mostly one of the likely ones."""
        return some(*likely, *likely, *likely, self.ids("users"))

    @property
    def sponsors(self) -> list[UUID]:
        return [row["id"] for row in self.world["users"] if row["role"] == "sponsor"]


def some(*groups: Sequence[Any]) -> st.SearchStrategy[Any]:
    """One of all these; who is named more often comes more often."""
    return st.sampled_from([value for group in groups for value in group])


def _people(plan: Plan, most: int) -> None:
    fields: Fields = {
        "name": st.sampled_from(("Ada", "", "Zoë", "李")),
        "role": st.sampled_from(("influencer", "sponsor", "agent", "admin", "influencer", "sponsor")),
        "avatar": st.sampled_from((None, "", "a.png")),
        "created_at": times(),
    }
    plan.add("users", most, fields)
    if not plan.world["users"]:
        return
    user = {"user_id": st.sampled_from(plan.ids("users"))}
    tiers = st.sampled_from(("bronze", "platinum", None))
    companies = {"company": st.sampled_from(("Acme", "", "Ünïcorp")), "industry": st.sampled_from(TEXTS)}
    skills = st.none() | st.lists(st.sampled_from(SPECIALTIES), max_size=3)
    home = {"location": st.sampled_from(TEXTS)}
    plan.add("agent_profiles", 5, {**user, "tier": tiers, "specialties": skills}, ("user_id",))
    plan.add("sponsor_profiles", 3, {**user, **companies, **home}, ("user_id",))
    plan.add("influencer_profiles", 3, {**user, "influencer_type": st.sampled_from(TEXTS), **home}, ("user_id",))


def _trade(plan: Plan) -> None:
    sponsor, influencer = plan.user(plan.sponsors), plan.user()
    categories = st.lists(st.sampled_from(("sport", "food", "", None, "(none)")), max_size=3)
    gig: Fields = {"sponsor_id": sponsor, "categories": categories, "location": st.sampled_from(TEXTS)}
    plan.add("gigs", 3, {**gig, "status": st.sampled_from(GIG_STATUSES), "created_at": times()})
    if not plan.world["gigs"]:
        return
    gig_id = st.sampled_from(plan.ids("gigs"))
    status = st.sampled_from(("approved", "approved", "pending", "rejected", None))
    moments: Fields = {"applied_at": times(), "reviewed_at": times()}
    application: Fields = {"gig_id": gig_id, "influencer_id": influencer, "status": status, **moments}
    plan.add("gig_applications", 5, application, ("gig_id", "influencer_id"))
    parties: Fields = {"gig_id": gig_id, "influencer_id": influencer, "sponsor_id": sponsor}
    status = st.sampled_from(("accepted", "accepted", "open", "rejected", "expired", None))
    plan.add("negotiations", 4, {**parties, "status": status, "created_at": times()})
    if plan.world["negotiations"]:
        answers: Fields = {"created_at": times(), "responded_at": times()}
        status = st.sampled_from(("accepted", "accepted", "pending", "rejected", "countered", None))
        talks = {"negotiation_id": st.sampled_from(plan.ids("negotiations")), "from_user_id": plan.user()}
        plan.add("negotiation_offers", 8, {**talks, "status": status, **answers})
    _deals(plan, parties)


def _deals(plan: Plan, parties: Fields) -> None:
    """Deals between the parties of an application or a negotiation, or between any."""
    world = plan.world
    sponsor_of = {gig["id"]: gig["sponsor_id"] for gig in world["gigs"]}
    met = [(row["gig_id"], row["influencer_id"], sponsor_of[row["gig_id"]]) for row in world["gig_applications"]]
    met += [(row["gig_id"], row["influencer_id"], row["sponsor_id"]) for row in world["negotiations"]]
    anyone = st.tuples(*parties.values())
    deal: Fields = {
        " ".join(parties): st.one_of(st.sampled_from(met), anyone) if met else anyone,
        "amount": st.sampled_from(AMOUNTS),
        "status": st.sampled_from(("completed", "completed", "pending", "active", "cancelled", None)),
        "created_at": times(),
        "completed_at": times(),
    }
    plan.add("deals", 8, deal)


def _escrow_and_money(plan: Plan) -> None:
    if plan.world["gig_applications"]:
        stages = ("locked_at", "work_submitted_at", "approved_at", "released_at", "created_at")
        job: Fields = {
            "gig_id": st.sampled_from(plan.ids("gigs")),
            "application_id": st.sampled_from(plan.ids("gig_applications")),
            "sponsor_id": plan.user(plan.sponsors),
            "influencer_id": plan.user(),
            "amount": st.sampled_from(AMOUNTS),
            "currency": st.sampled_from(CURRENCIES),
            "status": st.sampled_from(ESCROW_STATUSES),
            **{stage: times() for stage in stages},
        }
        plan.add("escrow_jobs", 6, job)
    agents = plan.ids("agent_profiles")
    transaction: Fields = {
        "type": st.sampled_from(TRANSACTION_TYPES),
        "job_id": some([None, scrambled("escrow_jobs", 99)], plan.ids("escrow_jobs")),
        "gig_id": some([None], plan.ids("gigs")),
        "from_user_id": some([None], plan.ids("users")),
        "to_user_id": some(agents, agents, agents, plan.ids("users"), [None]),
        "amount": st.sampled_from(AMOUNTS),
        "currency": st.sampled_from(CURRENCIES),
        "status": st.sampled_from(("completed", "completed", "completed", "pending", "failed", None)),
        "created_at": times(),
    }
    plan.add("transactions", 10, transaction)


def _talk(plan: Plan) -> None:
    agents = plan.ids("agent_profiles")
    participants = st.lists(some(agents, agents, plan.ids("users"), [None]), max_size=4)
    plan.add("conversations", 2, {"participants": participants})
    if plan.world["conversations"]:
        message: Fields = {
            "conversation_id": st.sampled_from(plan.ids("conversations")),
            "sender_id": plan.user(agents),
            "created_at": st.sampled_from(MESSAGE_MOMENTS),
        }
        plan.add("messages", 12, message)


def _recruiting(plan: Plan) -> None:
    agents = plan.ids("agent_profiles")
    agent = plan.user(agents, agents[:1], agents[:1])
    pair: Fields = {"agent_id": agent, "recruited_user_id": plan.user()}
    referral: Fields = {"recruited_user_type": st.sampled_from(RECRUITED_TYPES), "recruited_at": times()}
    plan.add("referrals", 8, {**pair, **referral, "is_active": st.sampled_from(FLAGS)}, tuple(pair))
    segments = st.sampled_from(("hot", "converted", None))
    sources = st.sampled_from(("manual", "imported", "linkedin"))
    plan.add("contacts", 3, {"agent_id": agent, "source": sources, "segment": segments})
    template: Fields = {
        "agent_id": some(plan.ids("users"), [None]),
        "name": st.sampled_from(("Hello", "Hello", "Hello", "Bye")),
        "ab_test_variant": st.sampled_from(("A", "B", "A", "B", None)),
    }
    plan.add("invite_templates", 5, template)
    if plan.world["contacts"]:
        _invites(plan, agent)


def _invites(plan: Plan, agent: st.SearchStrategy[UUID]) -> None:
    """Invites of agents to whom they recruited, to anybody or to nobody yet."""
    recruits = [(row["agent_id"], row["recruited_user_id"]) for row in plan.world["referrals"]]
    anyone = st.tuples(agent, some([None], plan.ids("users")))
    templates = plan.ids("invite_templates")
    invite: Fields = {
        "agent_id converted_user_id": st.one_of(st.sampled_from(recruits), anyone) if recruits else anyone,
        "contact_id": st.sampled_from(plan.ids("contacts")),
        "method": st.sampled_from(("sms", "email", "both")),
        "status": st.sampled_from(("accepted", "sent", "pending", "expired", None)),
        "template_id": some([None, scrambled("invite_templates", 99)], templates, templates),
        **{column: times() for column in ("sent_at", "opened_at", "clicked_at", "accepted_at", "verified_at")},
        "is_verified": st.sampled_from(FLAGS),
    }
    plan.add("invites", 10, invite)


def _reviews(plan: Plan) -> None:
    users = plan.ids("users")
    if len(users) < 2:
        return
    sub_rating = st.sampled_from((None, *RATINGS))
    review: Fields = {
        "deal_id": some([None, None], plan.ids("deals")),
        "reviewer_id": plan.user(),
        "reviewed_user_id": plan.user(plan.ids("agent_profiles"), plan.sponsors),
        "rating": st.sampled_from(RATINGS),
        **dict.fromkeys(("payment_speed_rating", "communication_rating", "professionalism_rating"), sub_rating),
        "created_at": times(),
    }
    plan.add("user_reviews", 10, review)
    written = set()
    for row in list(plan.world["user_reviews"]):
        # One review per deal and pair, none about oneself; without a deal any number.
        key = (row["deal_id"], row["reviewer_id"], row["reviewed_user_id"])
        if row["reviewer_id"] == row["reviewed_user_id"] or (row["deal_id"] is not None and key in written):
            plan.world["user_reviews"].remove(row)
        written.add(key)


def _further(plan: Plan) -> None:
    """What only facts read."""
    for table, of in further(plan.ids("users"), plan.ids("agent_profiles"), plan.ids("gigs")).items():
        moments: Fields = {column: times() for column in COLUMNS[table] if column.endswith("_at")}
        columns: Fields = {column: st.sampled_from(values) for column, values in of.columns.items()}
        plan.add(table, of.few, {**columns, **moments}, of.unique)
