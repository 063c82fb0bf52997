"""The contract of the metrics once more, in plain Python: slow, exact, one row at a time.

Belongs here: the functions others call. Each takes the rows of the operational tables and a moment,
and gives the rows of one metric, under the warehouse's column names, in a total order. Written from
the contract alone, so that a difference between this and the SQL is a question, not a copy.
"""

from collections.abc import Callable

from tests.model.breakdowns import BREAKDOWNS
from tests.model.choices import CHOICES
from tests.model.dimensions import groupings
from tests.model.experiments import template_experiments
from tests.model.facts import Fact
from tests.model.facts_of_people import FACTS
from tests.model.funnel_groupings import groupings_of
from tests.model.funnels import conversion_funnels, funnel
from tests.model.growth import marketplace_monthly, signup_cohorts
from tests.model.leaderboard import agent_leaderboard
from tests.model.measures import MADE, MEASURES
from tests.model.performance import (
    DEFAULT_WEIGHTS,
    agent_performance_metrics,
    agent_profile_summaries,
    agent_replies,
)
from tests.model.published import ZERO_BY_DEFAULT, as_published
from tests.model.reputation import brand_reputations, contact_engagement, invite_template_usage, user_ratings
from tests.model.slices import slice_of
from tests.model.units import STAGES
from tests.model.world import COLUMNS, Row, World, empty, identity

# Every metric that takes (world, as_of, *, currency, tz) and no more is needed for it.
METRICS: dict[str, Callable[..., list[Row]]] = {
    "agent_leaderboard": agent_leaderboard,
    "agent_performance_metrics": agent_performance_metrics,
    "agent_profile_summaries": agent_profile_summaries,
    "agent_replies": agent_replies,
    "brand_reputations": brand_reputations,
    "contact_engagement": contact_engagement,
    "conversion_funnels": conversion_funnels,
    "invite_template_usage": invite_template_usage,
    "marketplace_monthly": marketplace_monthly,
    "signup_cohorts": signup_cohorts,
    "template_experiments": template_experiments,
    "user_ratings": user_ratings,
}

__all__ = [
    "BREAKDOWNS",
    "CHOICES",
    "COLUMNS",
    "DEFAULT_WEIGHTS",
    "FACTS",
    "MADE",
    "MEASURES",
    "METRICS",
    "STAGES",
    "ZERO_BY_DEFAULT",
    "Fact",
    "Row",
    "World",
    "agent_leaderboard",
    "agent_performance_metrics",
    "agent_profile_summaries",
    "agent_replies",
    "as_published",
    "brand_reputations",
    "contact_engagement",
    "conversion_funnels",
    "empty",
    "funnel",
    "groupings",
    "groupings_of",
    "identity",
    "invite_template_usage",
    "marketplace_monthly",
    "signup_cohorts",
    "slice_of",
    "template_experiments",
    "user_ratings",
]
