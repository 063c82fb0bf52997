"""The published tables as metrics' headers declare them, and SQL made comparable token by token."""

from __future__ import annotations

import sqlglot
from sqlglot import expressions as exp

from si_analytics.definitions.owners import Owner
from si_analytics.definitions.targets import Target

AGENT = Owner("agent", "agent_profiles", "user_id", within=(("users", "id"),))
SPONSOR = Owner("sponsor", "users", "id", where=(("role", "sponsor"),))
CONTACT = Owner("contact", "contacts", "id")
TEMPLATE = Owner("template", "invite_templates", "id")
USER = Owner("user", "users", "id")

_RATINGS = ("overall_rating", "payment_speed_rating", "communication_rating", "professionalism_rating")
_STAGE = ("funnel", "breakdown", "breakdown_value", "stage_number")


def targets_of_today() -> tuple[Target, ...]:
    """The nine tables that a refresh publishes."""
    return (*_boards(), *_summary_columns(), *_parented())


def target(name: str) -> Target:
    return next(one for one in targets_of_today() if one.name == name)


def _boards() -> tuple[Target, ...]:
    return (
        Target(
            name="agent_leaderboard",
            metric="agent_leaderboard",
            table="analytics.agent_leaderboard",
            key=("agent_id",),
            columns=(
                *("agent_name", "avatar", "tier"),
                *("total_referrals", "total_deals", "total_earnings", "rank"),
            ),
            every=AGENT,
            types=(("agent_name", "varchar(255) not null"), ("tier", "varchar(20)")),
            indexes=(("rank", ("rank",)),),
        ),
        Target(
            name="brand_leaderboard",
            metric="brand_reputations",
            table="analytics.brand_leaderboard",
            key=("sponsor_id",),
            columns=(
                *("company", *_RATINGS, "review_count"),
                *("total_deals", "average_payment_time", "reputation_score", "rank"),
            ),
            every=SPONSOR,
            types=(("company", "varchar(255)"),),
            indexes=(("rank", ("rank",)),),
        ),
        Target(
            name="conversion_funnels",
            metric="conversion_funnels",
            table="analytics.conversion_funnels",
            key=_STAGE,
            columns=(
                *("stage", "reached", "dropped", "conversion_from_previous", "conversion_from_start"),
                *("median_hours_from_start", "p90_hours_from_start", "immature"),
            ),
            indexes=(("stage", _STAGE),),
        ),
    )


def _summary_columns() -> tuple[Target, ...]:
    return (
        Target(
            name="agent_profiles",
            metric="agent_profile_summaries",
            table="public.agent_profiles",
            key=("user_id",),
            origin=("agent_id",),
            columns=("total_earnings", "recruit_satisfaction_score", "recruit_satisfaction_count"),
            every=AGENT,
        ),
        Target(
            name="invite_templates",
            metric="invite_template_usage",
            table="public.invite_templates",
            key=("id",),
            origin=("template_id",),
            columns=("times_used", "acceptance_rate"),
            every=TEMPLATE,
        ),
        Target(
            name="users",
            metric="user_ratings",
            table="public.users",
            key=("id",),
            origin=("user_id",),
            columns=("rating", "review_count"),
            every=USER,
        ),
    )


def _parented() -> tuple[Target, ...]:
    return (
        Target(
            name="agent_performance_metrics",
            metric="agent_performance_metrics",
            table="public.agent_performance_metrics",
            key=("user_id",),
            columns=(
                *("total_deals", "total_referrals", "verified_referrals", "total_earnings"),
                *("average_conversion_time", "response_time", "satisfaction_score", "performance_score"),
                "last_calculated_at",
            ),
            every=AGENT,
        ),
        Target(
            name="brand_reputations",
            metric="brand_reputations",
            table="public.brand_reputations",
            key=("sponsor_id",),
            columns=(*_RATINGS, "total_deals", "average_payment_time", "review_count"),
            every=SPONSOR,
        ),
        Target(
            name="contact_engagement",
            metric="contact_engagement",
            table="public.contact_engagement",
            key=("contact_id",),
            columns=(
                *("total_invites_sent", "last_invite_sent_at", "opened_count", "clicked_count"),
                *("last_opened_at", "last_clicked_at", "response_rate"),
            ),
            every=CONTACT,
        ),
    )


def normalised(text: str, dialect: str = "postgres") -> list[str]:
    """Each statement of a text as SQLGlot writes it: without comments, layout and quotes that are not needed.

    `agent_profiles` is called by its own name, where some of the files call it `profiles`.
    """
    return [_normal(tree).sql(dialect, comments=False) for tree in sqlglot.parse(text, read=dialect) if tree]


def _normal(tree: exp.Expr) -> exp.Expr:
    for name in tree.find_all(exp.Identifier):
        name.set("quoted", False)
        if name.this == "profiles":
            name.set("this", "agent_profiles")
    return tree
