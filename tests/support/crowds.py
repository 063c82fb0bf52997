"""Crowded marketplaces that are always the same: every ugly case at once, drawn from a seed.

Belongs here: worlds for tests that need one rich input rather than many small ones. Values and moments are
those of the drawn marketplaces.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.model import COLUMNS, Row, World, empty, identity
from tests.support import marketplaces as values
from tests.support.further_tables import further
from tests.support.marketplaces import scrambled
from tests.support.moments import AS_OF, MESSAGE_MOMENTS, MOMENTS, START
from tests.support.worlds import Build

TIMES = (*MOMENTS, *(None,) * 10)
STATUSES = {
    "gig_applications": ("approved", "approved", "pending", "rejected", None),
    "negotiations": ("accepted", "accepted", "open", "rejected", "expired", None),
    "negotiation_offers": ("accepted", "pending", "pending", "rejected", "countered", None),
    "deals": ("completed", "completed", "pending", "active", "cancelled", None),
    "transactions": ("completed", "completed", "completed", "pending", "failed", None),
    "invites": ("accepted", "sent", "pending", "expired", None),
    "escrow_jobs": values.ESCROW_STATUSES,
}
# Drawn from a seed of their own, so that all else stays as it was drawn before these were read.
GROUPED_BY: dict[str, dict[str, Sequence[Any]]] = {
    "influencer_profiles": {"location": values.TEXTS},
    "sponsor_profiles": {"location": values.TEXTS},
    "agent_profiles": {"specialties": (None, [], ["beauty"], ["food", "beauty", "food"], [None, ""], ["Food", None])},
    "gigs": {"status": values.GIG_STATUSES},
    "referrals": {"recruited_user_type": values.RECRUITED_TYPES},
}


def crowd(seed: int, gigs: int = 16) -> World:
    """Some thirty users, a third of them agents and a third sponsors, and a few hundred rows of what they did."""
    crowded = _Crowd(random.Random(seed), random.Random(1000 + seed))
    crowded.people()
    crowded.trade(gigs)
    crowded.talk()
    crowded.recruiting()
    crowded.experiments()
    crowded.further(random.Random(2000 + seed))
    return crowded.world


def idle(seed: int) -> World:
    """The people of that crowd, their contacts and templates, and nothing that any of them did."""
    kept = ("users", "influencer_profiles", "sponsor_profiles", "agent_profiles", "contacts", "invite_templates")
    return {**empty(), **{table: rows for table, rows in crowd(seed).items() if table in kept}}


def corners() -> World:
    """What no crowd has: brands that only reviews, or only deals, tell apart; months of one thing alone.

    Everybody gives 4.0, so every brand's score is 4.000; one has two reviews and a deal, one a review and
    two deals; two brands have no review, one of them more deals. The first
    money is no activity, a refund is all that happens in the first month that is told of.
    """
    build = Build()
    build.agent()
    many_reviews, many_deals = build.sponsor(), build.sponsor()
    reviewer = build.influencer()
    of_each = ((many_reviews, 2, 1), (many_deals, 1, 2), (build.sponsor(), 0, 1), (build.sponsor(), 0, 2))
    for sponsor, reviews, deals in of_each:
        for _ in range(reviews):
            build.review(reviewer, sponsor, "4.0")
        for _ in range(deals):
            build.deal(reviewer, sponsor)
    build.transaction(None, "1.00", type="withdrawal", created_at=START - timedelta(days=70))
    build.transaction(None, "1.00", type="refund", created_at=START - timedelta(days=35))
    _recruited_too_late(build)
    _on_the_way(build)
    _gone(build)
    _entered_twice(build)
    return build.world


def _recruited_too_late(build: Build) -> None:
    """A recruit of the very as_of, who wrote a review before; another whose invite is sent at as_of."""
    agent, late, early = build.agent(), build.influencer(), build.influencer()
    build.referral(agent, late, recruited_at=AS_OF)
    build.review(late, agent, "4.0")
    build.referral(agent, early)
    build.invite(agent, sent_at=AS_OF, is_verified=True, verified_at=None, converted_user_id=early)


def _entered_twice(build: Build) -> None:
    """A pair of agent and recruit that stands there twice, and a deal through two recruits who came one after another.

    The agent wrote first to who is named twice in the conversation; a payment, a deal and a recruit are of the moment
    at which one window ends and the next begins.
    """
    day = timedelta(days=1)
    agent, recruit, other = build.agent(), build.influencer(), build.influencer()
    for _ in range(2):
        build.referral(agent, recruit)
    build.referral(agent, other)
    build.invite(agent, sent_at=START, is_verified=True, verified_at=None, converted_user_id=recruit)
    build.review(recruit, agent, "5.0")
    build.review(other, agent, "3.0")
    early, late = build.influencer(), build.sponsor()
    build.referral(agent, early, recruited_at=START - 50 * day)
    build.referral(agent, late, recruited_at=START + 5 * day)
    build.deal(early, late, created_at=START - 5 * day)
    build.deal(recruit, build.sponsor())
    build.transaction(agent, "5.00")
    conversation = build.conversation(agent, agent, recruit)
    for sender, hours in ((agent, 0), (recruit, 1), (agent, 2)):
        build.message(conversation, sender, START + hours * timedelta(hours=1))


def _gone(build: Build) -> None:
    """A profile whose user is gone, paid more than anybody else: no agent, so not the first."""
    build.transaction(build.agent_profile(identity("users", 999)), "999.00")


def _on_the_way(build: Build) -> None:
    """Units that one thing alone takes on: a status without a time, a deal of as_of, the first of two approvals."""
    day = timedelta(days=1)
    sponsor = build.sponsor()
    applicants = [build.influencer() for _ in range(3)]
    gigs = [build.gig(sponsor) for _ in range(6)]
    for status in sorted({status for status in values.ESCROW_STATUSES if status}):
        build.escrow_job(build.application(gigs[0], build.influencer()), status=status)
    build.application(gigs[1], applicants[0])
    build.deal(applicants[0], sponsor, gigs[1], status="completed", completed_at=None)
    build.deal(applicants[1], sponsor, gigs[2], created_at=AS_OF)
    for days, applicant in enumerate(applicants, start=1):
        build.application(gigs[3], applicant, status="approved", reviewed_at=START + days * day)
    build.escrow_job(build.application(gigs[0], build.influencer()), status="approved", approved_at=AS_OF)
    build.escrow_job(build.application(gigs[4], applicants[0]), status="released", created_at=AS_OF)
    build.application(gigs[5], applicants[0])
    build.deal(applicants[0], sponsor, gigs[5], status="completed", completed_at=AS_OF)
    build.application(build.gig(sponsor), applicants[0])
    _agreed(build, gigs[2], sponsor, applicants)


def _agreed(build: Build, gig: UUID, sponsor: UUID, applicants: list[UUID]) -> None:
    """Negotiations in which one offer decides, its time unknown or still to come."""
    undated = build.negotiation(gig, applicants[0], sponsor, status="accepted")
    build.offer(undated, sponsor, status="accepted", created_at=None, responded_at=None)
    countered = build.negotiation(gig, applicants[2], sponsor)
    build.offer(countered, sponsor, status="countered", responded_at=START + timedelta(hours=1))
    build.offer(countered, applicants[2], created_at=START + timedelta(days=1))
    build.offer(build.negotiation(gig, applicants[1], sponsor), sponsor, status="countered", responded_at=None)
    to_come = build.negotiation(gig, applicants[2], sponsor, status="accepted")
    build.offer(to_come, sponsor, status="accepted", created_at=AS_OF)


class _Crowd:
    """A crowd in the making; what comes later refers to what is there."""

    def __init__(self, chance: random.Random, other_chance: random.Random) -> None:
        self.world = empty()
        self._chance, self._other_chance = chance, other_chance

    def _pick(self, choices: Sequence[Any]) -> Any:
        return self._chance.choice(choices)

    def _ids(self, table: str) -> list[UUID]:
        return [row[COLUMNS[table][0]] for row in self.world[table]]

    def _add(self, table: str, count: int, make: Callable[[], Row], unique: tuple[str, ...] = ()) -> None:
        """So many rows; of those alike in the columns of `unique` only the first. Moments and statuses are drawn."""
        seen = set()
        for _ in range(count):
            drawn = {column: self._pick(TIMES) for column in COLUMNS[table] if column.endswith("_at")}
            if table in STATUSES:
                drawn["status"] = self._pick(STATUSES[table])
            drawn |= {name: self._other_chance.choice(of) for name, of in self._grouped_by(table).items()}
            row = {"id": scrambled(table, len(self.world[table]) + 1), **drawn, **make()}
            key = tuple(row[column] for column in unique)
            if not unique or key not in seen:
                self.world[table].append({column: row[column] for column in COLUMNS[table]})
            seen.add(key)

    def _grouped_by(self, table: str) -> dict[str, Sequence[Any]]:
        if table == "transactions":
            return {"gig_id": (None, *self._ids("gigs")), "from_user_id": (None, *self._ids("users"))}
        return GROUPED_BY.get(table, {})

    def people(self) -> None:
        roles = ("influencer", "influencer", "sponsor", "sponsor", "agent", "admin")
        names = ("Ada", "", "Zoë", "李")
        self._add(
            "users",
            30,
            lambda: {"name": self._pick(names), "role": self._pick(roles), "avatar": self._pick((None, "", "a.png"))},
        )
        everyone = self._ids("users")
        profiles = {
            "agent_profiles": lambda: {"tier": self._pick(("bronze", "platinum", None))},
            "sponsor_profiles": lambda: {
                "company": self._pick(("Acme", "", "Ünïcorp")),
                "industry": self._pick(values.TEXTS),
            },
            "influencer_profiles": lambda: {"influencer_type": self._pick(values.TEXTS)},
        }
        for table, of in profiles.items():
            self._add(table, 14, lambda of=of: {"user_id": self._pick(everyone), **of()}, ("user_id",))  # type: ignore[misc]

    def trade(self, count: int) -> None:
        everyone = self._ids("users")
        sponsors = [row["id"] for row in self.world["users"] if row["role"] == "sponsor"]
        self._add(
            "gigs",
            count,
            lambda: {
                "sponsor_id": self._pick((*sponsors, everyone[0])),
                "categories": [self._pick(("sport", "food", "", None, "(none)")) for _ in range(self._pick(range(4)))],
                "location": self._pick(values.TEXTS),
            },
        )
        sponsor_of = {row["id"]: row["sponsor_id"] for row in self.world["gigs"]}
        gigs = self._ids("gigs")[2:]  # nobody takes notice of the first two

        def parties() -> Row:
            gig = self._pick(gigs)
            sponsor = self._pick((sponsor_of[gig], sponsor_of[gig], self._pick(sponsors)))
            return {"gig_id": gig, "influencer_id": self._pick(everyone[:12]), "sponsor_id": sponsor}

        self._add("gig_applications", 60, parties, ("gig_id", "influencer_id"))
        self._add("negotiations", 90, parties)
        met = [*self.world["negotiations"], *self.world["gig_applications"]]

        def known() -> Row:
            row = self._pick(met)
            return parties() | {name: row[name] for name in ("gig_id", "influencer_id", "sponsor_id") if name in row}

        self._add("deals", 90, lambda: {**known(), "amount": self._pick(values.AMOUNTS)})
        talks, authors = self._ids("negotiations")[3:], everyone[:4]
        self._add(
            "negotiation_offers",
            120,
            lambda: {"negotiation_id": self._pick(talks), "from_user_id": self._pick(authors)},
        )
        self._money(parties)
        self._reviews(sponsors)

    def _money(self, parties: Callable[[], Row]) -> None:
        applications, agents = self._ids("gig_applications"), self._ids("agent_profiles")
        paid = {"amount": values.AMOUNTS, "currency": values.CURRENCIES}

        def money() -> Row:
            return {name: self._pick(choices) for name, choices in paid.items()}

        self._add("escrow_jobs", 200, lambda: {**parties(), "application_id": self._pick(applications), **money()})
        receivers = (*agents[2:], *agents[2:], *self._ids("users"), None)
        kinds = values.TRANSACTION_TYPES
        self._add(
            "transactions",
            160,
            lambda: {"type": self._pick(kinds), "job_id": None, "to_user_id": self._pick(receivers), **money()},
        )
        # Who has no recruits and lost money on one day had something on that day all the same.
        plain = {"type": "agent_commission", "status": "completed", "currency": "usd", "job_id": None}
        lost = {"to_user_id": agents[0], "amount": Decimal("-5.00"), "created_at": START - timedelta(hours=1)}
        self._add("transactions", 1, lambda: {**plain, **lost})

    def _reviews(self, sponsors: list[UUID]) -> None:
        everyone = self._ids("users")
        about = (*self._ids("agent_profiles")[1:], *sponsors[1:], *everyone)
        ratings = {name: (None, *values.RATINGS) for name in COLUMNS["user_reviews"] if name.endswith("_rating")}

        def review() -> Row:
            reviewed = self._pick(about)
            others = [user for user in everyone if user != reviewed]
            given = {name: self._pick(choices) for name, choices in ratings.items()}
            people = {"reviewer_id": self._pick(others), "reviewed_user_id": reviewed}
            return {"deal_id": None, **people, "rating": self._pick(values.RATINGS), **given}

        self._add("user_reviews", 150, review)

    def talk(self) -> None:
        agents, everyone = self._ids("agent_profiles"), self._ids("users")
        self._add(
            "conversations",
            16,
            lambda: {
                "participants": [self._pick((*agents, *everyone[:3], None)) for _ in range(self._pick((2, 3, 4)))]
            },
        )
        heard = {row["id"]: [user for user in row["participants"] if user] for row in self.world["conversations"]}

        def message() -> Row:
            conversation = self._pick(list(heard))
            sender = self._pick((*heard[conversation], *heard[conversation], everyone[-1]))
            moment = self._pick((*MESSAGE_MOMENTS, *MOMENTS))
            return {"conversation_id": conversation, "sender_id": sender, "created_at": moment}

        self._add("messages", 160, message)

    def recruiting(self) -> None:
        agents, everyone = self._ids("agent_profiles"), self._ids("users")
        pair = ("agent_id", "recruited_user_id")
        self._add(
            "referrals",
            70,
            lambda: {
                **{"agent_id": self._pick((*agents[1:], everyone[0])), "recruited_user_id": self._pick(everyone)},
                "is_active": self._pick(values.FLAGS),
            },
            pair,
        )
        self._add(
            "contacts",
            14,
            lambda: {
                "agent_id": self._pick(agents),
                "source": self._pick(("manual", "imported", "linkedin")),
                "segment": self._pick(("hot", "converted", None)),
            },
        )
        self._add(
            "invite_templates",
            12,
            lambda: {
                "agent_id": self._pick((*agents, None)),
                "name": self._pick(("Hello", "Hello", "Bye")),
                "ab_test_variant": self._pick(("A", "B", "A", "B", None)),
            },
        )
        recruits = [{name: row[name] for name in pair} for row in self.world["referrals"]]
        templates = (None, scrambled("invite_templates", 99), *self._ids("invite_templates")[1:])
        contacts = self._ids("contacts")[1:]

        def invite() -> Row:
            anyone = {"agent_id": self._pick(agents), "recruited_user_id": self._pick((*everyone, None))}
            chosen = self._pick((self._pick(recruits), anyone))
            return {
                "agent_id": chosen["agent_id"],
                "converted_user_id": chosen["recruited_user_id"],
                "contact_id": self._pick(contacts),
                "method": self._pick(("sms", "email", "both")),
                "template_id": self._pick(templates),
                "is_verified": self._pick(values.FLAGS),
            }

        self._add("invites", 220, invite)

    def experiments(self) -> None:
        """Two agents who tried A and B: one sent 30 of each, the other 29 and 30; no two in the same minute."""
        owners = self._ids("agent_profiles")[:2]
        contact = self._ids("contacts")[-1]
        unsaid = {"converted_user_id": None, "is_verified": None}
        for owner, counts in zip(owners, ((30, 30), (29, 30)), strict=True):
            for variant, count in zip("AB", counts, strict=True):
                template = {"agent_id": owner, "name": "Big", "ab_test_variant": variant}
                self._add("invite_templates", 1, lambda template=template: template)  # type: ignore[misc]
                sent = {"agent_id": owner, "template_id": self._ids("invite_templates")[-1], "contact_id": contact}
                self._add(
                    "invites",
                    count,
                    lambda sent=sent: {  # type: ignore[misc]
                        **sent,
                        **unsaid,
                        "method": "email",
                        "sent_at": START + timedelta(minutes=len(self.world["invites"])),
                    },
                )

    def further(self, chance: random.Random) -> None:
        """What only facts read, drawn from a seed of its own."""
        self._chance = chance
        for table, of in further(self._ids("users"), self._ids("agent_profiles"), self._ids("gigs")).items():
            self._add(
                table,
                of.many,
                lambda of=of: {name: self._pick(choices) for name, choices in of.columns.items()},  # type: ignore[misc]
                of.unique,
            )
