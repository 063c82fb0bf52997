"""Section 7: did the A or the B of a template win over more contacts.

Belongs here: the statistics of two proportions.
"""

from __future__ import annotations

import decimal
import math
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from tests.model.reputation import is_accepted
from tests.model.rules import half_away, ratio, sent_invites, utc
from tests.model.world import Row, World, by_key, rows

Z_95 = Decimal("1.95996398454005423552459443052055152795555")  # the normal distribution's 97.5 % point
ENOUGH = 30


def template_experiments(world: World, as_of: datetime, *, currency: str = "usd", tz: str = "UTC") -> list[Row]:
    """One row per sending agent, template name and variant, where that agent sent both A and B of the name.

    Templates of equal name and variant are pooled, whoever owns them. The comparison (lift,
    difference, p_value, enough_data) is the same on both rows: B against A.
    """
    as_of = utc(as_of, "as_of")
    template = by_key(rows(world, "invite_templates"))
    sent: dict[tuple[UUID, str], dict[str, list[bool]]] = defaultdict(lambda: {"A": [], "B": []})
    for invite in sent_invites(world, as_of):
        used = template.get(invite["template_id"])
        if used is not None and used["ab_test_variant"] is not None:
            outcomes = sent[invite["agent_id"], used["name"]]
            outcomes[used["ab_test_variant"]].append(is_accepted(invite, as_of))
    return [
        {
            "agent_id": agent,
            "template_name": name,
            "variant": variant,
            **figures(outcomes[variant]),
            **compared(**outcomes),
        }
        for (agent, name), outcomes in sorted(sent.items())
        if outcomes["A"] and outcomes["B"]
        for variant in ("A", "B")
    ]


def figures(outcomes: list[bool]) -> Row:
    """What is said of one variant, by whether each of its invites was accepted."""
    low, high = wilson(sum(outcomes), len(outcomes))
    return {
        "sent": len(outcomes),
        "accepted": sum(outcomes),
        "acceptance": half_away(ratio(sum(outcomes), len(outcomes)), 6),
        "wilson_low": half_away(low, 6),
        "wilson_high": half_away(high, 6),
    }


def compared(A: list[bool], B: list[bool]) -> Row:  # noqa: N803 - the variants' own names
    """What is said of an experiment on both of its rows: B against A."""
    rate_a, rate_b = Fraction(sum(A), len(A)), Fraction(sum(B), len(B))
    probability = p_value(sum(A), len(A), sum(B), len(B))
    return {
        "lift": half_away(ratio(rate_b - rate_a, rate_a), 6),
        "difference": half_away(rate_b - rate_a, 6),
        "p_value": None if probability is None else half_away(Fraction(probability), 6),
        "enough_data": len(A) >= ENOUGH and len(B) >= ENOUGH,
    }


def wilson(successes: int, trials: int) -> tuple[Fraction, Fraction]:
    """Wilson's 95 % interval of a proportion, to 40 digits; within 0 and 1, as it is exactly."""
    with decimal.localcontext(prec=60):
        share, n = Decimal(successes) / trials, Decimal(trials)
        scale = 1 + Z_95**2 / n
        centre = (share + Z_95**2 / (2 * n)) / scale
        reach = Z_95 * (share * (1 - share) / n + Z_95**2 / (4 * n**2)).sqrt() / scale
        low, high = Fraction(centre - reach), Fraction(centre + reach)
    return max(low, Fraction(0)), min(high, Fraction(1))


def p_value(successes_a: int, trials_a: int, successes_b: int, trials_b: int) -> float | None:
    """Two-sided p of the pooled two-proportion z-test; None when nobody or everybody accepted."""
    pooled = Fraction(successes_a + successes_b, trials_a + trials_b)
    if pooled in (0, 1):
        return None
    variance = pooled * (1 - pooled) * (Fraction(1, trials_a) + Fraction(1, trials_b))
    difference = Fraction(successes_b, trials_b) - Fraction(successes_a, trials_a)
    return math.erfc(math.sqrt(difference**2 / variance / 2))
