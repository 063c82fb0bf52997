"""The sample marketplace at scale 1 looks like a marketplace."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest

from si_analytics import sample

Frames = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def full() -> Frames:
    """The marketplace of scale 1."""
    return sample.frames(scale=1, seed=1)


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
