"""The overview: the best of what the sections below hold.

Belongs here: the declarations of these panels; what they draw is declared with the panels they are the best of.
"""

from __future__ import annotations

from si_analytics.reports.dashboard import sources
from si_analytics.reports.dashboard.panel import Chart, Panel
from si_analytics.reports.dashboard.panels import agents, funnels

PANELS = (
    Panel(
        name="overview-agents",
        section="overview",
        title="Best-earning agents ({currency})",
        sentence="Bar chart of the best-earning agents; the agents table holds the same figures",
        sources=(sources.AGENT_LEADERBOARD,),
        follows_period=True,
        paired=True,
        chart=Chart(
            drawing=agents.RANKED,
            ranked=True,
            nobody="No agents yet.",
            nothing="Nobody has earned anything yet.",
            nothing_in_period="Nobody earned anything in this period.",
        ),
    ),
    Panel(
        name="overview-funnel",
        section="overview",
        title="From invite to completed deal",
        sentence="Funnel chart of invites; the funnels table holds the same figures",
        sources=(sources.CONVERSION_FUNNELS,),
        follows_period=True,
        paired=True,
        chart=Chart(
            drawing=funnels.DRAWN,
            pick=("invite", "all"),
            note="Share of all invites, and the median time to get there",
            nobody="Nothing has entered this funnel yet.",
        ),
    ),
)
