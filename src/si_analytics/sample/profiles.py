"""Accounts and profiles.

Belongs here: users, the four kinds of profile, social accounts, sessions.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from si_analytics.sample import columns, words
from si_analytics.sample.people import ADMIN, AGENT, INFLUENCER, ROLES, SPONSOR, People
from si_analytics.sample.randomness import Ints, Stream
from si_analytics.sample.recruitment import Recruitment
from si_analytics.sample.times import DAY, HOUR, LAST, MINUTE, only, part, seen


def tables(seed: int, people: People, recruitment: Recruitment) -> dict[str, pl.DataFrame]:
    """Returns everything that says who somebody is."""
    return {
        "users": _users(Stream(seed, "users"), people, recruitment),
        "influencer_profiles": _influencers(Stream(seed, "influencer_profiles"), people),
        "social_accounts": _social_accounts(Stream(seed, "social_accounts"), people),
        "sponsor_profiles": _sponsors(Stream(seed, "sponsor_profiles"), people),
        "agent_profiles": _agents(Stream(seed, "agent_profiles"), people),
        "admin_profiles": _admins(Stream(seed, "admin_profiles"), people),
        "refresh_tokens": _sessions(Stream(seed, "refresh_tokens"), people),
    }


def numbered(count: int, prefix: str, suffix: str = "") -> pl.Series:
    """`prefix`, a number of six digits or more, `suffix`."""
    numbers = pl.Series(np.arange(1, count + 1)).cast(pl.String).str.zfill(6)
    return columns.join(prefix, numbers, suffix)


def _referrer(stream: Stream, people: People, recruitment: Recruitment) -> Ints:
    """The agent who had recruited the person at sign-up; for some others, an acquaintance."""
    count = len(people)
    own = recruitment.agent_at(np.arange(count), people.created + 2 * MINUTE)
    friend = np.floor(stream.uniform(count) * np.arange(count)).astype(np.int64)
    return np.where(own >= 0, own, np.where(stream.chance(count, 0.1) & (np.arange(count) > 0), friend, -1))


def _users(stream: Stream, people: People, recruitment: Recruitment) -> pl.DataFrame:
    count = len(people)
    last_login = part(people.created, np.full(count, LAST), np.sqrt(stream.uniform(count)))
    verified = stream.chance(count, 0.85)
    verified_at = seen(people.created + stream.wait(count, 2 * HOUR))
    stripe = stream.pick(count, (0.55, 0.25, 0.2))
    stripe_at = only(stripe == 0, seen(people.created + stream.wait(count, 5 * DAY)))
    stripe = np.where((stripe == 0) & (stripe_at >= LAST), 1, stripe)
    return pl.DataFrame(
        {
            "id": people.ids,
            "email": numbered(count, "person.", "@mail.example.com"),
            "password_hash": columns.join("no-password:", columns.hexadecimal(stream.raw(count))),
            "name": people.names,
            "role": columns.lookup(people.role, ROLES),
            "avatar": columns.where(stream.chance(count, 0.7), numbered(count, "https://img.example.com/a/", ".png")),
            "created_at": columns.instants(people.created),
            "updated_at": columns.instants(last_login),
            "is_active": columns.flags(~stream.chance(count, 0.04)),
            "referral_code": columns.where(~stream.chance(count, 0.02), numbered(count, "SI")),
            "referred_by": columns.at(people.ids, _referrer(stream, people, recruitment)),
            "rating": columns.decimals(np.zeros(count, dtype=np.int64), 2, 1),
            "review_count": columns.integers(np.zeros(count, dtype=np.int64)),
            "stripe_connected_account_id": columns.where(stripe < 2, numbered(count, "acct_sample_")),
            "stripe_onboarding_complete": columns.flags(stripe == 0),
            "stripe_verification_status": columns.lookup(stripe, ("verified", "pending", "not_started")),
            "stripe_verified_at": columns.instants(only(stripe == 0, stripe_at)),
            "last_login_at": columns.instants(only(stream.chance(count, 0.93), last_login)),
            "email_verified": columns.flags(verified & (verified_at < LAST)),
            "email_verified_at": columns.instants(only(verified, verified_at)),
        }
    )


def _influencers(stream: Stream, people: People) -> pl.DataFrame:
    who = people.of(INFLUENCER)
    count = len(who)
    kind = stream.pick(count, (0.35, 0.3, 0.1, 0.08, 0.07, 0.1))
    athlete = (kind == 0) | (kind == 5)
    handle = numbered(count, "@sample_")
    likes_crypto = stream.chance(count, 0.2)
    followers = np.minimum(people.weight[who] * 1500 * stream.spread(count, narrow=True), 900_000_000).astype(np.int64)
    platforms = columns.join('{"instagram": "', handle, '", "tiktok": "', handle, '"}')
    portfolio = columns.join(
        '[{"title": "', stream.words(count, words.GIG_WHAT), '", "views": ', _count(stream, count), "}]"
    )
    return pl.DataFrame(
        {
            "user_id": columns.at(people.ids, who),
            "bio": columns.where(stream.chance(count, 0.9), stream.words(count, words.BIOS)),
            "influencer_type": columns.lookup(np.where(stream.chance(count, 0.02), -1, kind), words.INFLUENCER_TYPES),
            "sports": columns.where(athlete, stream.sets(count, words.SPORTS, 2)),
            "categories": stream.sets(count, words.CATEGORIES, 3, least=0),
            "location": columns.where(stream.chance(count, 0.94), stream.words(count, words.CITIES)),
            "followers": columns.integers(followers),
            "engagement_rate": columns.decimals(np.floor(stream.spread(count, narrow=True) * 350).astype(np.int64), 5),
            "platforms": columns.where(stream.chance(count, 0.9), platforms),
            "portfolio": columns.where(stream.chance(count, 0.4), portfolio),
            "rate_per_post": columns.where(
                stream.chance(count, 0.85),
                columns.decimals(
                    np.floor(people.price[who] * stream.spread(count, narrow=True) * 30_000).astype(np.int64), 10
                ),
            ),
            "payment_preferences": columns.lists(np.where(likes_crypto, 1, 0), (["fiat"], ["fiat", "crypto"])),
            "accepted_cryptos": columns.where(likes_crypto, stream.sets(count, ("BTC", "ETH", "USDT", "USDC"), 3)),
            "created_at": columns.instants(people.created[who]),
            "updated_at": columns.instants(part(people.created[who], np.full(count, LAST), stream.uniform(count))),
        }
    )


def _count(stream: Stream, count: int) -> pl.Series:
    return pl.Series(stream.between(count, 100, 90_000)).cast(pl.String)


def _social_accounts(stream: Stream, people: People) -> pl.DataFrame:
    who = people.of(INFLUENCER)
    present = stream.uniform(len(who) * len(words.PLATFORMS)).reshape(len(who), -1) < np.array(
        [0.9, 0.7, 0.35, 0.2, 0.1]
    )
    row, platform = np.nonzero(present)
    count = len(row)
    joined = people.created[who[row]]
    names = columns.lookup(platform, words.PLATFORMS)
    handles = columns.at(numbered(len(who), "sample_"), row)
    verified_at = only(stream.chance(count, 0.6), seen(joined + stream.wait(count, 3 * DAY)))
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "user_id": columns.at(people.ids, who[row]),
            "platform": names,
            "username": handles,
            "url": columns.join("https://", names, ".example.com/", handles),
            "followers": columns.integers((people.weight[who[row]] * 900 * stream.spread(count)).astype(np.int64)),
            "is_verified": columns.flags(verified_at < LAST),
            "verified_at": columns.instants(verified_at),
            "last_synced": columns.instants(
                only(stream.chance(count, 0.9), part(joined, np.full(count, LAST), stream.uniform(count)))
            ),
            "created_at": columns.instants(joined),
        }
    )


def _sponsors(stream: Stream, people: People) -> pl.DataFrame:
    who = people.of(SPONSOR)
    who = who[~stream.chance(len(who), 0.02)]
    count = len(who)
    company = columns.join(stream.words(count, words.COMPANY_FIRST), " ", stream.words(count, words.COMPANY_LAST))
    return pl.DataFrame(
        {
            "user_id": columns.at(people.ids, who),
            "company": company,
            "industry": columns.where(stream.chance(count, 0.96), stream.words(count, words.INDUSTRIES)),
            "location": columns.where(stream.chance(count, 0.93), stream.words(count, words.CITIES)),
            "website": columns.where(stream.chance(count, 0.8), numbered(count, "https://brand-", ".example.com")),
            "description": columns.where(stream.chance(count, 0.7), columns.join(company, ": made for everyone.")),
            "created_at": columns.instants(people.created[who]),
            "updated_at": columns.instants(part(people.created[who], np.full(count, LAST), stream.uniform(count))),
        }
    )


def _agents(stream: Stream, people: People) -> pl.DataFrame:
    who = people.of(AGENT)
    count = len(who)
    subscribed = stream.chance(count, 0.55)
    checks = stream.pick(count, (0.2, 0.3, 0.25, 0.25))
    tier = np.searchsorted([2.2, 5.0, 14.0], people.weight[who], side="right")
    threshold = stream.between(count, 1, 11) * 5_000
    return pl.DataFrame(
        {
            "user_id": columns.at(people.ids, who),
            "bio": columns.where(stream.chance(count, 0.85), stream.words(count, words.BIOS)),
            "specialties": columns.where(stream.chance(count, 0.9), stream.sets(count, words.SPECIALTIES, 3)),
            "is_subscribed": columns.flags(subscribed),
            "subscription_expiry": columns.instants(only(subscribed, LAST + stream.between(count, 1, 365) * DAY)),
            "total_earnings": columns.decimals(np.zeros(count, dtype=np.int64), 10),
            "tier": columns.lookup(tier, ("bronze", "silver", "gold", "platinum")),
            "auto_payout_threshold": columns.where(stream.chance(count, 0.4), columns.decimals(threshold, 10)),
            "next_payout_date": columns.instants(
                only(stream.chance(count, 0.4), LAST + stream.between(count, 1, 30) * DAY)
            ),
            "verification_level": columns.lookup(checks, ("unverified", "email", "email_phone", "full")),
            "email_verified": columns.flags(checks >= 1),
            "phone_verified": columns.flags(checks >= 2),
            "id_verified": columns.flags(checks >= 3),
            "recruit_satisfaction_score": columns.where(
                stream.chance(count, 0.1), columns.decimals(np.full(count, 40), 2, 1)
            ),
            "recruit_satisfaction_count": columns.integers(np.zeros(count, dtype=np.int64)),
            "created_at": columns.instants(people.created[who]),
            "updated_at": columns.instants(part(people.created[who], np.full(count, LAST), stream.uniform(count))),
        }
    )


def _admins(stream: Stream, people: People) -> pl.DataFrame:
    who = people.of(ADMIN)
    created = columns.instants(people.created[who])
    permissions = stream.sets(len(who), words.PERMISSIONS, len(words.PERMISSIONS))
    return pl.DataFrame(
        {
            "user_id": columns.at(people.ids, who),
            "permissions": permissions,
            "created_at": created,
            "updated_at": created,
        }
    )


def _sessions(stream: Stream, people: People) -> pl.DataFrame:
    count = len(people) * 5 // 4
    who = stream.between(count, 0, len(people))
    created = part(people.created[who], np.full(count, LAST), stream.uniform(count))
    last_octet = pl.Series(stream.between(count, 1, 255)).cast(pl.String)
    revoked = only(stream.chance(count, 0.2), seen(created + stream.wait(count, 4 * DAY)))
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "user_id": columns.at(people.ids, who),
            "token": columns.join("sample-token-", columns.hexadecimal(stream.raw(count)), numbered(count, "-")),
            "expires_at": columns.instants(created + 30 * DAY),
            "created_at": columns.instants(created),
            "revoked_at": columns.instants(revoked),
            "ip_address": columns.where(stream.chance(count, 0.95), columns.join("203.0.113.", last_octet)),
            "user_agent": columns.where(stream.chance(count, 0.95), stream.words(count, words.BROWSERS)),
        }
    )
