"""The sample marketplace by itself: the same every time, and like a marketplace."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from si_analytics import copying, sample, schema
from si_analytics.errors import UsageError
from si_analytics.sample.randomness import Stream

Frames = dict[str, pl.DataFrame]


def digest(frames: Frames) -> str:
    """One hash over every table, column and row."""
    total = hashlib.sha256()
    for table in sorted(frames):
        total.update(f"{table}:{','.join(frames[table].columns)}\n".encode())
        total.update(copying.encode(frames[table]))
    return total.hexdigest()


@pytest.fixture(scope="module")
def full() -> Frames:
    """The marketplace of scale 1."""
    return sample.frames(scale=1, seed=1)


@pytest.fixture(scope="module")
def small() -> Frames:
    """The marketplace of scale 0.02."""
    return sample.frames(scale=0.02, seed=1)


# --- the same every time -------------------------------------------------------------------------


def test_the_same_scale_and_seed_give_the_same_rows_on_any_machine_in_any_run(small: Frames) -> None:
    """The hash was taken once and written down; if the rows are meant to change, GENERATOR changes with it."""
    known = {"market 1": "d420233aad5ce42273b66a1489ffd803309b94f6210cf8668d78a13699b038b1"}
    assert digest(small) == known[sample.GENERATOR]


def test_another_process_with_other_threads_and_hashing_makes_the_same_rows(small: Frames) -> None:
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from test_sample import digest\n"
        "from si_analytics import sample\n"
        "print(digest(sample.frames(scale=0.02, seed=1)))"
    )
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(small)


def test_another_seed_gives_other_rows_of_about_the_same_number(small: Frames) -> None:
    other = sample.frames(scale=0.02, seed=2)
    assert not set(other["users"]["id"]) & set(small["users"]["id"])
    assert other["deals"].height == small["deals"].height


def test_a_scale_means_the_same_however_it_is_written(small: Frames) -> None:
    assert digest(sample.frames(scale=Decimal("0.020"), seed=1)) == digest(small)


def test_tables_do_not_disturb_each_other() -> None:
    """The draws of one table are the same whatever another has drawn before."""
    alone = Stream(5, "deals").uniform(3)
    Stream(5, "users").uniform(100)
    assert (Stream(5, "deals").uniform(3) == alone).all()
    assert not (Stream(5, "users").uniform(3) == alone).any()


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf"), 201, "x"])
def test_a_scale_that_cannot_be_is_a_usage_error(scale: float) -> None:
    with pytest.raises(UsageError, match=f"a sample of scale {scale}: it is not above 0 and at most 200"):
        sample.frames(scale=scale)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_that_the_record_cannot_hold_is_a_usage_error(seed: int) -> None:
    with pytest.raises(UsageError, match=f"a sample of seed {seed}"):
        sample.frames(scale=0.02, seed=seed)


# --- how much ------------------------------------------------------------------------------------


def test_scale_1_has_the_advertised_sizes(full: Frames) -> None:
    assert full["users"].height == 2_000
    assert full["deals"].height == 5_000
    assert full["invites"].height == 10_000
    assert full["transactions"].height == pytest.approx(25_000, rel=0.05)


def test_the_frames_are_the_operational_tables_and_none_is_empty(full: Frames, small: Frames) -> None:
    for frames in (full, small):
        assert set(frames) == set(schema.tables())
        assert [table for table, frame in frames.items() if frame.is_empty()] == []


@examples(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**63 - 1), scale=st.sampled_from([0.0001, 0.01, 0.03, 0.07]))
def test_any_seed_and_small_scale_fills_every_table_with_distinct_ids(seed: int, scale: float) -> None:
    frames = sample.frames(scale=scale, seed=seed)
    assert [table for table, frame in frames.items() if frame.is_empty()] == []
    for frame in frames.values():
        if "id" in frame.columns:
            assert frame["id"].n_unique() == frame.height
    assert frames["gigs"].filter(pl.col("budget_max") < pl.col("budget_min")).is_empty()


# --- like a marketplace --------------------------------------------------------------------------


def test_nothing_has_happened_at_the_end_or_after_it(full: Frames) -> None:
    """Only what is planned lies beyond: deadlines, expiries, reminders and payouts to come."""
    planned = {"subscription_expiry", "next_payout_date", "expires_at", "scheduled_for", "deadline"}
    planned |= {"next_scheduled_date", "next_follow_up_date"}
    for table, frame in full.items():
        for column in set(frame.columns) - planned:
            if isinstance(frame[column].dtype, pl.Datetime):
                assert frame[column].max() < sample.END, f"{table}.{column}"  # type: ignore[operator]
                assert frame[column].min() >= sample.START, f"{table}.{column}"  # type: ignore[operator]


def test_times_have_microseconds(full: Frames) -> None:
    assert full["deals"]["created_at"].drop_nulls().dt.microsecond().n_unique() > 4_000


def test_the_invite_funnel_narrows_at_every_stage_and_hides_some_opens(full: Frames) -> None:
    invites = full["invites"]
    accepted = (pl.col("status") == "accepted") | pl.col("accepted_at").is_not_null()
    stages = invites.select(
        sent=pl.col("sent_at").is_not_null().sum(),
        opened=pl.col("opened_at").is_not_null().sum(),
        clicked=pl.col("clicked_at").is_not_null().sum(),
        accepted=accepted.sum(),
        joined=pl.col("converted_user_id").is_not_null().sum(),
        verified=pl.col("is_verified").sum(),
    ).row(0)
    assert all(later < 0.92 * earlier for earlier, later in itertools.pairwise(stages)), stages
    assert stages[-1] > 300
    hidden = invites.filter(pl.col("opened_at").is_null() & pl.col("clicked_at").is_not_null())
    unknown = invites.filter((pl.col("status") == "accepted") & pl.col("accepted_at").is_null())
    assert hidden.height > 50
    assert unknown.height > 5


def test_the_gig_funnel_narrows_from_application_to_payment(full: Frames) -> None:
    applied = full["gig_applications"].height
    approved = full["gig_applications"].filter(pl.col("status") == "approved").height
    dealt = full["escrow_jobs"].height
    released = full["escrow_jobs"].filter(pl.col("status") == "released").height
    assert applied > 2 * approved > 2 * dealt > 2 * released > 1_000


def test_every_status_that_the_schema_knows_occurs(full: Frames) -> None:
    known = {
        ("gigs", "status"): 4, ("gig_applications", "status"): 3, ("deals", "status"): 4, ("negotiations", "status"): 4,
        ("negotiation_offers", "status"): 4, ("escrow_jobs", "status"): 12, ("transactions", "status"): 3,
        ("transactions", "type"): 7, ("invites", "status"): 4, ("withdrawals", "status"): 4, ("contacts", "segment"): 5,
        ("agent_profiles", "tier"): 4, ("users", "role"): 4, ("user_rewards", "status"): 4, ("invites", "method"): 3,
    }  # fmt: skip
    found = {key: full[key[0]][key[1]].drop_nulls().n_unique() for key in known}
    assert found == known


def test_few_agents_recruit_most_and_some_nobody_at_all(full: Frames) -> None:
    per_agent = full["referrals"]["agent_id"].value_counts(sort=True)["count"]
    agents = full["agent_profiles"].height
    assert per_agent.head(agents // 10).sum() > 0.5 * full["referrals"].height
    idle = set(full["agent_profiles"]["user_id"]) - set(full["referrals"]["agent_id"])
    idle -= set(full["invites"]["agent_id"]) | set(full["contacts"]["agent_id"])
    assert len(idle) > 10


def test_the_marketplace_grows_has_seasons_and_rests_at_weekends(full: Frames) -> None:
    created = full["gigs"]["created_at"].drop_nulls()
    by_year = created.dt.year().value_counts().sort("created_at")["count"].to_list()
    assert by_year[1] > 1.5 * by_year[0]
    weekend = (created.dt.weekday() >= 6).sum() / len(created)
    assert 0.08 < weekend < 0.25
    in_2025 = created.filter(created.dt.year() == 2025).dt.month()
    assert in_2025.is_in([10, 11, 12]).sum() > 1.3 * in_2025.is_in([6, 7, 8]).sum()


def test_of_two_template_variants_b_is_truly_better(full: Frames) -> None:
    """A two-proportion z-test at scale 1 leaves no doubt."""
    variants = full["invite_templates"].select(template_id="id", variant="ab_test_variant")
    accepted = (pl.col("status") == "accepted") | pl.col("accepted_at").is_not_null()
    table = (
        full["invites"].filter(pl.col("sent_at").is_not_null()).join(variants, on="template_id").group_by("variant")
    ).agg(pl.len().alias("sent"), accepted.sum().alias("accepted"))
    counts = {row["variant"]: (row["accepted"], row["sent"]) for row in table.iter_rows(named=True)}
    (a, n), (b, m) = counts["A"], counts["B"]
    pooled = (a + b) / (n + m)
    z = (b / m - a / n) / (pooled * (1 - pooled) * (1 / n + 1 / m)) ** 0.5
    assert z > 4


def test_brands_that_pay_late_are_rated_lower_for_it(full: Frames) -> None:
    jobs = full["escrow_jobs"].filter(pl.col("released_at") > pl.col("work_submitted_at"))
    days = jobs.group_by("sponsor_id").agg((pl.col("released_at") - pl.col("work_submitted_at")).mean().alias("wait"))
    ratings = full["user_reviews"].group_by(pl.col("reviewed_user_id").alias("sponsor_id"))
    speed = ratings.agg(pl.col("payment_speed_rating").cast(pl.Float64).mean(), pl.len().alias("reviews"))
    both = days.join(speed.filter(pl.col("reviews") >= 4), on="sponsor_id").drop_nulls()
    late = both.filter(pl.col("wait") > timedelta(days=10))["payment_speed_rating"]
    prompt = both.filter(pl.col("wait") < timedelta(days=5))["payment_speed_rating"]
    assert len(late) >= 10
    assert len(prompt) >= 10
    assert late.mean() < prompt.mean() - 0.8  # type: ignore[operator]


def test_there_are_disputes_refunds_and_cancelled_deals_in_small_numbers(full: Frames) -> None:
    jobs = full["escrow_jobs"]
    for count in (
        jobs["disputed_at"].count(),
        jobs.filter(pl.col("status") == "refunded").height,
        full["deals"].filter(pl.col("status") == "cancelled").height,
    ):
        assert 0.02 * jobs.height < count < 0.2 * jobs.height


def test_money_comes_in_several_currencies_mostly_dollars_and_not_always_spelled_alike(full: Frames) -> None:
    spelled = dict(full["transactions"]["currency"].value_counts().iter_rows())
    assert {"usd", "USD", " USD ", "eur", "eth", "btc", None} <= set(spelled)
    assert spelled["usd"] > 0.8 * full["transactions"].height
    assert spelled["USD"] + spelled[" USD "] < 0.1 * full["transactions"].height


def currency(frame: pl.DataFrame) -> pl.Expr:
    """The currency as the metrics read it."""
    return pl.col("currency").fill_null("usd").str.strip_chars(" ").str.to_lowercase()


def test_of_each_released_job_the_deduction_and_the_release_make_up_what_was_locked(full: Frames) -> None:
    done = full["transactions"].filter((pl.col("status") == "completed") & pl.col("job_id").is_not_null())
    sums = done.pivot(on="type", index="job_id", values="amount", aggregate_function="sum")
    # The few payments whose job was deleted stand alone, so the others of their job lack one.
    whole = sums.filter((pl.col("release") > 0) & (pl.col("escrow_lock") > 0) & (pl.col("commission_deduct") > 0))
    assert whole.height > 3_000
    assert whole.filter(pl.col("commission_deduct") + pl.col("release") != pl.col("escrow_lock")).is_empty()
    assert whole.filter(pl.col("agent_commission") > pl.col("commission_deduct")).is_empty()


def test_balances_add_up_to_the_completed_transactions(full: Frames) -> None:
    """Every account is counted out transaction by transaction."""
    available: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    escrow: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    earned: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    withdrawn: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    moved = full["transactions"].filter(pl.col("status") == "completed").with_columns(currency(full["transactions"]))
    for row in moved.select("type", "from_user_id", "to_user_id", "currency", "amount").iter_rows():
        kind, source, receiver, money, amount = row
        payer, payee = (source, money), (receiver, money)
        if kind == "payment_in":
            available[payee] += amount
        elif kind == "escrow_lock":
            available[payer] -= amount
            escrow[payer] += amount
        elif kind == "commission_deduct":
            escrow[payer] -= amount
        elif kind == "refund":
            escrow[payee] -= amount
            available[payee] += amount
        elif kind == "withdrawal":
            available[payer] -= amount
            withdrawn[payer] += amount
        else:
            if kind == "release":
                escrow[payer] -= amount
            available[payee] += amount
            earned[payee] += amount
    for row in full["user_balances"].iter_rows(named=True):
        key = (row["user_id"], row["currency"])
        assert row["available_balance"] == available.pop(key, 0) >= 0
        assert row["escrow_balance"] == escrow.pop(key, 0) >= 0
        assert row["total_earnings"] == earned.pop(key, 0)
        assert row["total_withdrawals"] == withdrawn.pop(key, 0)
    left = {**available, **escrow, **earned, **withdrawn}
    assert {money for _, money in left} == {"eur"}  # the schema keeps no balance in euro


def test_nobody_ever_withdraws_what_they_do_not_have(full: Frames) -> None:
    """The running balance of every account is never negative."""
    moved = full["transactions"].filter(pl.col("status") == "completed").with_columns(currency(full["transactions"]))
    balance: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in moved.select("type", "from_user_id", "to_user_id", "currency", "amount").iter_rows():
        kind, payer, payee, money, amount = row
        if kind in {"escrow_lock", "withdrawal"}:
            balance[payer, money] -= amount
            assert balance[payer, money] >= 0
        elif payee:
            balance[payee, money] += amount


def test_referrals_hold_what_each_recruit_brought_the_agent(full: Frames) -> None:
    paid = (
        full["transactions"]
        .with_columns(currency(full["transactions"]))
        .filter(
            (pl.col("type") == "agent_commission") & (pl.col("status") == "completed") & (pl.col("currency") == "usd")
        )
    )
    by_agent = paid.group_by(agent_id="to_user_id").agg(pl.sum("amount"))
    by_recruit = full["referrals"].group_by("agent_id").agg(pl.sum("total_commissions_earned"))
    both = by_agent.join(by_recruit, on="agent_id", how="full")
    differing = both.filter(pl.col("amount").fill_null(0) != pl.col("total_commissions_earned").fill_null(0))
    nulls = full["referrals"].filter(pl.col("total_commissions_earned").is_null())["agent_id"]
    assert set(differing["agent_id"]) <= set(nulls)


def test_recruits_may_be_inactive_shared_by_two_agents_or_older_than_their_recruitment(full: Frames) -> None:
    referrals, users = full["referrals"], full["users"]
    assert 0.03 < (~referrals["is_active"].fill_null(False)).mean() < 0.15  # type: ignore[operator]
    assert 5 < (referrals["recruited_user_id"].value_counts()["count"] > 1).sum() < 100
    deals = full["deals"].join(referrals, left_on="influencer_id", right_on="recruited_user_id")
    assert deals.filter(pl.col("created_at") < pl.col("recruited_at")).height > 10
    own = users.join(referrals, left_on="id", right_on="recruited_user_id")
    assert own.filter(pl.col("id") == pl.col("agent_id")).is_empty()


def test_a_few_ids_dangle_where_the_schema_lets_them(full: Frames) -> None:
    def strays(values: pl.Series, known: pl.Series) -> float:
        return (~values.drop_nulls().is_in(known.implode())).mean()  # type: ignore[return-value]

    for values, known in (
        (full["invites"]["template_id"], full["invite_templates"]["id"]),
        (full["transactions"]["job_id"], full["escrow_jobs"]["id"]),
        (full["conversations"]["participants"].explode(), full["users"]["id"]),
        (full["gig_comparisons"]["gig_ids"].explode(), full["gigs"]["id"]),
    ):
        assert 0 < strays(values, known) < 0.02


def test_names_come_in_many_scripts_and_with_awkward_characters(full: Frames) -> None:
    names = full["users"]["name"]
    for pattern in (
        r"\p{Cyrillic}",
        r"\p{Han}",
        r"\p{Arabic}",
        r"\p{Hangul}",
        r"\p{Emoji_Presentation}",
        "'",
        '"',
        "^=",
    ):
        assert 0 < names.str.contains(pattern).sum() < 400, pattern


def test_personal_values_are_plainly_made_up(full: Frames) -> None:
    assert full["users"]["email"].str.ends_with(".example.com").all()
    assert full["contacts"]["email"].drop_nulls().str.ends_with(".example.com").all()
    assert full["contacts"]["phone"].drop_nulls().str.contains(r"^\+1 \d{3} 555 01\d\d$").all()
    assert full["users"]["password_hash"].str.starts_with("no-password:").all()
    assert full["refresh_tokens"]["token"].str.starts_with("sample-token-").all()
    assert full["refresh_tokens"]["ip_address"].drop_nulls().str.starts_with("203.0.113.").all()


def test_agents_answer_in_minutes_to_days_and_each_at_a_pace_of_their_own(full: Frames) -> None:
    messages = full["messages"].drop_nulls("created_at").sort("conversation_id", "created_at", "id")
    agents = full["agent_profiles"]["user_id"]
    previous = messages.with_columns(
        before=pl.col("sender_id").shift().over("conversation_id"),
        waited=pl.col("created_at") - pl.col("created_at").shift().over("conversation_id"),
    )
    replies = previous.filter((pl.col("before") != pl.col("sender_id")) & pl.col("sender_id").is_in(agents.implode()))
    typical = replies.group_by("sender_id").agg(pl.len(), pl.col("waited").median()).filter(pl.col("len") >= 8)
    assert typical.height > 20
    assert timedelta(minutes=30) < typical["waited"].median() < timedelta(hours=12)  # type: ignore[operator]
    assert typical["waited"].max() > 8 * typical["waited"].min()  # type: ignore[operator]


def test_negotiations_end_at_the_amount_of_their_deal(full: Frames) -> None:
    offers = full["negotiation_offers"].filter(pl.col("status") == "accepted")
    talks = full["negotiations"].rename({"id": "negotiation_id"}).join(offers, on="negotiation_id")
    deals = full["deals"].select("gig_id", "influencer_id", agreed="amount")
    both = talks.join(deals, on=["gig_id", "influencer_id"])
    settled = (both["amount"] == both["agreed"]).mean()
    assert both.height > 1_500
    assert settled == 1.0


def test_summary_columns_wait_for_their_first_refresh_and_summary_tables_are_behind(full: Frames) -> None:
    assert set(full["users"]["rating"].drop_nulls()) == {Decimal("0.0")}
    assert set(full["agent_profiles"]["total_earnings"].drop_nulls()) == {Decimal("0.00")}
    assert 0 < full["contact_engagement"].height < full["contacts"].height
    assert 0 < full["brand_reputations"].height < full["users"].filter(pl.col("role") == "sponsor").height
    agents = full["agent_profiles"]["user_id"]
    listed = full["agent_performance_metrics"]["user_id"]
    assert 0 < listed.is_in(agents.implode()).sum() < len(agents)
    assert 0 < (~listed.is_in(agents.implode())).sum() < 5  # agents no longer


def test_the_largest_sums_stay_far_from_what_the_columns_hold(full: Frames) -> None:
    """At scale 1 the top agent has earned less than a hundredth of numeric(10,2) over 200, the largest scale."""
    paid = full["transactions"].filter((pl.col("type") == "agent_commission") & (pl.col("status") == "completed"))
    top = paid.group_by("to_user_id").agg(pl.sum("amount"))["amount"].max()
    assert top * 200 < Decimal("99999999.99") / 2  # type: ignore[operator]


# --- chance --------------------------------------------------------------------------------------


def test_choices_come_as_often_as_their_weights_say() -> None:
    counted = np.bincount(Stream(3, "x").pick(40_000, [1.0, 0.0, 3.0]), minlength=3) / 40_000
    assert counted.tolist() == pytest.approx([0.25, 0.0, 0.75], abs=0.01)


def test_a_choice_among_nothing_is_none() -> None:
    running = np.cumsum(np.array([0.0, 0.0, 2.0]))
    assert Stream(3, "x").pick_before(running, np.array([0, 2, 3])).tolist() == [-1, -1, 2]


def test_half_of_the_waits_are_shorter_than_the_median_asked_for() -> None:
    waits = Stream(3, "x").wait(40_000, 1_000_000)
    assert (waits < 1_000_000).mean() == pytest.approx(0.5, abs=0.01)
    assert waits.min() >= 1
    assert waits.max() <= 40_000_001


def test_ids_are_version_4_uuids_in_no_order() -> None:
    ids = Stream(3, "x").ids(500)
    assert ids.str.contains("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$").all()
    assert ids.n_unique() == 500
    assert not ids.is_sorted()
