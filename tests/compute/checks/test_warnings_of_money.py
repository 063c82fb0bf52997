"""Warnings about currencies, escrow, commissions and negative amounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.support.duck import AS_OF, BEFORE, DAY, TICK, Duck, key


def test_money_in_other_currencies_is_counted_per_currency(duck: Duck) -> None:
    """eur: commissions of 10 and 2 to whomever, a deduction of 3, a refund of 4. An empty text is a currency."""
    duck.add("transactions", currency="eur")
    duck.add("transactions", currency=" EUR ", amount=Decimal("2.00"), to_user_id=None)
    duck.add("transactions", currency="eur", type="commission_deduct", amount=Decimal("3.00"))
    duck.add("transactions", currency="eur", type="refund", amount=Decimal("4.00"))
    duck.add("transactions", currency="", amount=Decimal("1.00"), type="refund")
    for more in ({}, {"currency": None}, {"currency": "USD "}):
        duck.add("transactions", **more)
    for more in ({"status": "pending"}, {"status": None}, {"created_at": AS_OF}, {"created_at": None}):
        duck.add("transactions", currency="eth", **more)
    for kind in ("payment_in", "escrow_lock", "release", "withdrawal"):
        duck.add("transactions", currency="eth", type=kind)
    assert duck.found("other_currencies") == [
        _left_out("", 1, "1.00", refund="1.00"),
        _left_out("eur", 4, "19.00", agent_commission="12.00", commission_deduct="3.00", refund="4.00"),
    ]
    assert duck.found("other_currencies", currency="eur") == [
        _left_out("", 1, "1.00", refund="1.00"),
        _left_out("usd", 3, "30.00", agent_commission="30.00"),
    ]


def _left_out(currency: str, count: int, total: str, **amounts: str) -> dict[str, object]:
    kinds = {kind: Decimal(amounts.get(kind, "0.00")) for kind in ("agent_commission", "commission_deduct", "refund")}
    return {"currency": currency, "transactions": count, "total_amount": Decimal(total), **kinds}


def test_money_in_the_reporting_currency_alone_leaves_nothing_out(duck: Duck) -> None:
    for currency in ("usd", " USD", None):
        duck.add("transactions", currency=currency)
    assert duck.check("other_currencies").passed


def test_a_released_job_without_a_completed_release_is_found(duck: Duck) -> None:
    """Job 1 has none, 2 a pending one, 3 one at as_of, 4 a lock; the release without a job is nobody's."""
    jobs = [duck.add("escrow_jobs", id=key(n), status="released", released_at=BEFORE) for n in (1, 2, 3)]
    jobs.append(duck.add("escrow_jobs", id=key(4), status="released", released_at=BEFORE, currency=None))
    undated = duck.add("escrow_jobs", id=key(5), status="released", currency=" EUR ")
    duck.add("transactions", job_id=key(2), type="release", status="pending")
    duck.add("transactions", job_id=key(3), type="release", created_at=AS_OF)
    duck.add("transactions", job_id=key(4), type="escrow_lock")
    duck.add("transactions", job_id=None, type="release")
    duck.add("escrow_jobs", status="released", released_at=AS_OF)
    duck.add("escrow_jobs", status="released", created_at=AS_OF)
    duck.add("escrow_jobs", status="refunded", released_at=BEFORE)
    expected = [{"job_id": job, "amount": 100, "currency": "usd", "released_at": BEFORE} for job in jobs]
    expected.append({"job_id": undated, "amount": 100, "currency": "eur", "released_at": None})
    assert duck.found("released_without_transaction") == expected


def test_a_released_job_with_its_releases_passes(duck: Duck) -> None:
    job = duck.add("escrow_jobs", status="released", released_at=BEFORE)
    for _ in range(2):
        duck.add("transactions", job_id=job, type="release", currency="eth")
    assert duck.check("released_without_transaction").passed


def test_releases_beyond_what_was_locked_are_found_per_job_and_currency(duck: Duck) -> None:
    """Job 1 locked 10, released 6 and 5; job 2 locked in usd, released in eth; job 3 released, never locked."""
    _move(duck, 1, "escrow_lock", "10.00")
    _move(duck, 1, "release", "6.00")
    _move(duck, 1, "release", "5.00", currency=" USD")
    _move(duck, 2, "escrow_lock", "10.00")
    _move(duck, 2, "release", "4.00", currency="eth")
    _move(duck, 3, "release", "1.00")
    assert duck.found("released_beyond_lock") == [
        {"job_id": key(1), "currency": "usd", "released": Decimal("11.00"), "locked": Decimal("10.00")},
        {"job_id": key(2), "currency": "eth", "released": Decimal("4.00"), "locked": Decimal("0.00")},
        {"job_id": key(3), "currency": "usd", "released": Decimal("1.00"), "locked": Decimal("0.00")},
    ]


def test_releases_up_to_what_was_locked_pass(duck: Duck) -> None:
    """Two locks, two releases of the same sum, one without a currency.

    What is pending, at as_of, or of no job is not held against them.
    """
    for amount, currency in (("6.00", "usd"), ("4.00", None)):
        _move(duck, 1, "escrow_lock", amount)
        _move(duck, 1, "release", amount, currency=currency)
    _move(duck, 1, "release", "9.00", status="pending")
    _move(duck, 1, "release", "9.00", created_at=AS_OF)
    duck.add("transactions", type="release", job_id=None)
    assert duck.check("released_beyond_lock").passed


def _move(duck: Duck, job: int, kind: str, amount: str, **more: object) -> None:
    duck.add("transactions", job_id=key(job), type=kind, amount=Decimal(amount), **more)


def test_a_commission_to_a_user_who_is_no_agent_is_found(duck: Duck) -> None:
    duck.agent(1)
    user = duck.add("users", id=key(2), role="agent")  # the role alone makes no agent
    stray = duck.add("transactions", to_user_id=user, currency=" EUR")
    nobodys = duck.add("transactions", to_user_id=None, currency=None)
    duck.add("transactions", to_user_id=key(1))
    for more in ({"status": "failed"}, {"type": "release"}, {"created_at": AS_OF}):
        duck.add("transactions", to_user_id=user, **more)
    assert duck.found("commission_to_non_agents") == [
        {"transaction_id": stray, "to_user_id": user, "amount": Decimal("10.00"), "currency": "eur"},
        {"transaction_id": nobodys, "to_user_id": None, "amount": Decimal("10.00"), "currency": "usd"},
    ]


def test_commissions_to_agents_pass(duck: Duck) -> None:
    duck.add("transactions", to_user_id=duck.agent(1))
    assert duck.check("commission_to_non_agents").passed


MONEY = {
    **dict.fromkeys(("deals", "escrow_jobs", "transactions", "withdrawals"), "created_at"),
    **dict.fromkeys(("agent_bonuses", "user_rewards"), "earned_at"),
}
"""The tables of money, each with its event time."""


def test_a_negative_amount_is_found_in_each_table_of_money(duck: Duck) -> None:
    deal = duck.add("deals", amount=Decimal("-0.01"), status="cancelled")
    jobs = [duck.add("escrow_jobs", amount=Decimal("-1.00"), currency=currency) for currency in (None, " ETH ")]
    payments = [duck.add("transactions", amount=Decimal("-5.00"), currency=currency) for currency in (None, " ETH ")]
    bonus = duck.add("agent_bonuses", amount=Decimal("-2.00"))
    reward = duck.add("user_rewards", amount=Decimal("-3.00"), currency=None)
    duck.add("user_rewards", amount=Decimal("-3.00"), reward_type="points")
    withdrawal = duck.add("withdrawals", amount=Decimal("-4.00"), currency="ETH")
    assert duck.found("negative_amounts") == [
        {"table_name": "agent_bonuses", "key": bonus, "amount": Decimal("-2.00"), "currency": "usd"},
        {"table_name": "deals", "key": deal, "amount": Decimal("-0.01"), "currency": "usd"},
        {"table_name": "escrow_jobs", "key": jobs[0], "amount": Decimal("-1.00"), "currency": "usd"},
        {"table_name": "escrow_jobs", "key": jobs[1], "amount": Decimal("-1.00"), "currency": "eth"},
        {"table_name": "transactions", "key": payments[0], "amount": Decimal("-5.00"), "currency": "usd"},
        {"table_name": "transactions", "key": payments[1], "amount": Decimal("-5.00"), "currency": "eth"},
        {"table_name": "user_rewards", "key": reward, "amount": Decimal("-3.00"), "currency": "usd"},
        {"table_name": "withdrawals", "key": withdrawal, "amount": Decimal("-4.00"), "currency": "eth"},
    ]


def test_amounts_of_zero_and_more_pass(duck: Duck) -> None:
    for table, column in MONEY.items():
        duck.add(table, amount=Decimal("0.00"))
        duck.add(table, amount=Decimal("-1.00"), **{column: AS_OF})
        duck.add(table, amount=Decimal("-1.00"), **{column: None})
    assert duck.check("negative_amounts").passed


PAYMENT: dict[str, Any] = {"job_id": key(1), "to_user_id": key(2), "payment_id": "py_1", "amount": Decimal("7.00")}


def test_a_payment_that_repeats_another_within_a_day_is_found_with_the_one_before(duck: Duck) -> None:
    """Entered at BEFORE, a day later, and a day after that: two repeat. Currencies are one, however written."""
    first = duck.add("transactions", **PAYMENT)
    second = duck.add("transactions", **PAYMENT, created_at=BEFORE + DAY, currency=" USD")
    third = duck.add("transactions", **PAYMENT, created_at=BEFORE + 2 * DAY)
    common = {"job_id": key(1), "to_user_id": key(2), "amount": Decimal("7.00"), "currency": "usd"}
    assert duck.found("payments_entered_twice") == [
        {"transaction_id": second, "earlier_transaction_id": first, **common, "created_at": BEFORE + DAY},
        {"transaction_id": third, "earlier_transaction_id": second, **common, "created_at": BEFORE + 2 * DAY},
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"type": "release"},
        {"job_id": key(9)},
        {"to_user_id": key(9)},
        {"amount": Decimal("7.01")},
        {"currency": "eur"},
        {"payment_id": "py_2"},
        {"status": "pending"},
        {"created_at": BEFORE + DAY + TICK},
        {"created_at": AS_OF},
        {"created_at": None},
    ],
    ids=str,
)
def test_a_payment_that_differs_in_anything_or_comes_a_day_later_passes(duck: Duck, more: dict[str, Any]) -> None:
    duck.add("transactions", **PAYMENT)
    duck.add("transactions", **{**PAYMENT, **more})
    assert duck.check("payments_entered_twice").passed


@pytest.mark.parametrize("unset", ["job_id", "to_user_id", "currency", "payment_id"])
def test_payments_of_which_something_is_not_known_are_not_held_to_be_the_same(duck: Duck, unset: str) -> None:
    for _ in range(2):
        duck.add("transactions", **{**PAYMENT, unset: None})
    assert duck.check("payments_entered_twice").passed


def _deal_with_job(duck: Duck, number: int, status: str, **more: Any) -> tuple[UUID, UUID]:
    """A deal of gig, influencer and sponsor of that number, and the escrow job of the same three."""
    parties = {"gig_id": key(number), "influencer_id": key(number), "sponsor_id": key(number)}
    deal = duck.add("deals", **{**parties, "status": status, "completed_at": None, **more})
    return deal, duck.add("escrow_jobs", **parties)


def _paid(duck: Duck, job: UUID, **amounts: str) -> None:
    for kind, amount in amounts.items():
        duck.add("transactions", job_id=job, type=kind, amount=Decimal(amount))


def _disagreeing(deal: UUID, job: UUID, status: str, locked: str, released: str, refunded: str) -> dict[str, Any]:
    amounts = {"locked": Decimal(locked), "released": Decimal(released), "refunded": Decimal(refunded)}
    return {"deal_id": deal, "job_id": job, "deal_status": status, "currency": "usd", **amounts}


def test_a_cancelled_deal_that_was_paid_and_a_completed_one_that_was_paid_back_are_found(duck: Duck) -> None:
    """1: cancelled, 10 locked, 9 released. 2: completed, 6 and 4 locked, 10 refunded."""
    cancelled, paid = _deal_with_job(duck, 101, "cancelled")
    _paid(duck, paid, escrow_lock="10.00", release="9.00")
    completed, refunded = _deal_with_job(duck, 102, "completed")
    _paid(duck, refunded, escrow_lock="6.00")
    _paid(duck, refunded, escrow_lock="4.00", refund="10.00")
    assert duck.found("deals_and_money_disagree") == [
        _disagreeing(cancelled, paid, "cancelled", "10.00", "9.00", "0.00"),
        _disagreeing(completed, refunded, "completed", "10.00", "0.00", "10.00"),
    ]


def test_deals_whose_money_went_as_their_status_says_pass(duck: Duck) -> None:
    """Refunded in part; never locked; the other way round; not there yet; completed only later; of another gig."""
    for number, status, amounts in (
        (101, "completed", {"escrow_lock": "10.00", "refund": "9.99"}),
        (102, "completed", {"refund": "10.00"}),
        (103, "completed", {"escrow_lock": "10.00", "release": "9.00"}),
        (104, "cancelled", {"escrow_lock": "10.00", "refund": "10.00"}),
        (105, "active", {"escrow_lock": "10.00", "release": "10.00", "refund": "10.00"}),
    ):
        _paid(duck, _deal_with_job(duck, number, status)[1], **amounts)
    for number, more in ((106, {"completed_at": AS_OF}), (107, {"created_at": AS_OF}), (108, {"gig_id": key(999)})):
        _paid(duck, _deal_with_job(duck, number, "completed", **more)[1], escrow_lock="1.00", refund="1.00")
    _, job = _deal_with_job(duck, 109, "completed")
    _paid(duck, job, escrow_lock="1.00")
    for more in ({"status": "pending"}, {"created_at": AS_OF}, {"currency": "eur"}):
        duck.add("transactions", **{"job_id": job, "type": "refund", "amount": Decimal("1.00"), **more})
    assert duck.check("deals_and_money_disagree").passed


def test_money_that_fits_another_deal_of_the_same_parties_is_that_deals(duck: Duck) -> None:
    """Cancelled once and completed at the second try: the release is of the second deal."""
    _, job = _deal_with_job(duck, 101, "cancelled")
    duck.add("deals", gig_id=key(101), influencer_id=key(101), sponsor_id=key(101))
    _paid(duck, job, escrow_lock="1.00", release="1.00")
    assert duck.check("deals_and_money_disagree").passed


def test_an_amount_that_is_null_is_found_in_each_table_of_money_and_adds_nothing(duck: Duck) -> None:
    """Raw tables take over what Postgres refuses: here nothing does."""
    agent = duck.agent(1)
    found = []
    times = {**MONEY, "token_withdrawal_requests": "requested_at"}
    for table in sorted(times.keys() - {"user_rewards"}):
        duck.connection.execute(f"alter table raw.{table} alter amount drop not null")
        to = {"to_user_id": agent} if table == "transactions" else {}
        found.append({"table_name": table, "key": duck.add(table, amount=None, **to)})
        duck.add(table, **to)
        for moment in (AS_OF, None):
            duck.add(table, amount=None, **{times[table]: moment})
    duck.add("user_rewards", amount=None)
    assert duck.found("null_amounts") == found
    duck.compute()
    assert duck.connection.sql("select total_earnings from metrics.agent_leaderboard").fetchall() == [(Decimal(10),)]
