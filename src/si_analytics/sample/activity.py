"""What surrounds the work: wallets, tokens, the feed, notifications, matches.

Belongs here: their columns.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from si_analytics.sample import columns
from si_analytics.sample.deals import Deals
from si_analytics.sample.gigs import Gigs
from si_analytics.sample.people import INFLUENCER, SPONSOR, People
from si_analytics.sample.profiles import numbered
from si_analytics.sample.randomness import Stream
from si_analytics.sample.times import DAY, LAST, NEVER, only, part, seen

_NETWORKS = ("ethereum", "polygon", "solana", "bitcoin")
_PROVIDERS = ("metamask", "walletconnect", "coinbase", "trust", "manual")
_WHOLE = 100_000_000  # a token has eight decimals


def tables(
    seed: int, people: People, gigs: Gigs, deals: Deals, *, gig_ids: pl.Series, deal_ids: pl.Series
) -> dict[str, pl.DataFrame]:
    """Wallets, tokens, feed, notifications, matches."""
    wallets = _wallets(Stream(seed, "connected_wallets"), people)
    return {
        "connected_wallets": wallets,
        "impact_token_balances": _tokens(Stream(seed, "impact_token_balances"), wallets),
        "token_withdrawal_requests": _token_withdrawals(Stream(seed, "token_withdrawal_requests"), wallets),
        "feed_activities": _feed(Stream(seed, "feed_activities"), people, deals, gig_ids, deal_ids),
        "notifications": _notifications(Stream(seed, "notifications"), people, deals, deal_ids),
        "matches": _matches(Stream(seed, "matches"), people, gigs, gig_ids),
    }


def _wallets(stream: Stream, people: People) -> pl.DataFrame:
    count = max(len(people) // 5, 8)
    who = stream.between(count, 0, len(people))
    connected = part(people.created[who], np.full(count, LAST), stream.uniform(count))
    used = part(connected, np.full(count, LAST), stream.uniform(count))
    address = columns.join("0xsample", columns.hexadecimal(stream.raw(count)), numbered(count, "-"))
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "user_id": columns.at(people.ids, who),
            "address": address,
            "network": stream.words(count, _NETWORKS, (0.5, 0.25, 0.15, 0.1)),
            "provider": columns.where(stream.chance(count, 0.95), stream.words(count, _PROVIDERS)),
            "is_connected": columns.flags(stream.chance(count, 0.9)),
            "is_verified": columns.flags(stream.chance(count, 0.6)),
            "connected_at": columns.instants(connected),
            "last_used_at": columns.instants(only(stream.chance(count, 0.8), used)),
            "created_at": columns.instants(connected),
        }
    )


def _tokens(stream: Stream, wallets: pl.DataFrame) -> pl.DataFrame:
    """Earned = on hand + locked + withdrawn, to the eighth decimal."""
    count = len(wallets)
    balance = stream.between(count, 0, 400 * _WHOLE)
    locked = np.where(stream.chance(count, 0.3), stream.between(count, 0, 50 * _WHOLE), 0)
    withdrawn = np.where(stream.chance(count, 0.4), stream.between(count, 0, 200 * _WHOLE), 0)
    return pl.DataFrame(
        {
            "user_id": wallets["user_id"],
            "wallet_address": wallets["address"],
            "balance": columns.decimals(balance, 18, 8),
            "locked_balance": columns.decimals(locked, 18, 8),
            "total_earned": columns.decimals(balance + locked + withdrawn, 18, 8),
            "total_withdrawn": columns.decimals(withdrawn, 18, 8),
            "last_updated": wallets["connected_at"],
        }
    )


def _token_withdrawals(stream: Stream, wallets: pl.DataFrame) -> pl.DataFrame:
    count = max(len(wallets) // 3, 3)
    wallet = pl.Series(stream.between(count, 0, len(wallets)))
    begun = wallets["connected_at"].gather(wallet).to_physical().to_numpy()
    asked = part(begun, np.full(count, LAST), stream.uniform(count))
    status = stream.pick(count, (0.1, 0.1, 0.75, 0.05))
    processed = only(status >= 2, part(asked, np.full(count, LAST), stream.uniform(count) * 0.1))
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "user_id": wallets["user_id"].gather(wallet),
            "wallet_address": wallets["address"].gather(wallet),
            "amount": columns.decimals(stream.between(count, 1, 50 * _WHOLE), 18, 8),
            "status": columns.lookup(status, ("pending", "processing", "completed", "failed")),
            "requested_at": columns.instants(asked),
            "processed_at": columns.instants(processed),
            "transaction_hash": columns.where(
                status == 2, columns.join("0xsample", columns.hexadecimal(stream.raw(count)))
            ),
            "failure_reason": columns.where(status == 3, columns.repeated(count, "network fee too low")),
        }
    )


def _feed(stream: Stream, people: People, deals: Deals, gig_ids: pl.Series, deal_ids: pl.Series) -> pl.DataFrame:
    """Deals made and completed, people who joined, and announcements without an author."""
    about = np.concatenate((np.arange(len(deals)), np.flatnonzero(deals.approved < NEVER)))
    about = about[stream.chance(len(about), 0.5)]
    joined = np.flatnonzero(stream.chance(len(people), 0.8)).astype(np.int64)
    news = 12
    kind = np.repeat([0, 1, 2], [len(about), len(joined), news])
    deal = np.concatenate((about, np.full(len(joined) + news, -1)))
    who = np.concatenate((deals.influencer[about], joined, np.full(news, -1)))
    moment = np.concatenate(
        (
            np.where(stream.chance(len(about), 0.5), deals.created[about], deals.approved[about]),
            people.created[joined],
            LAST - stream.between(news, 1, 600) * DAY,
        )
    )
    happened = moment < LAST
    kind, deal, who, moment = kind[happened], deal[happened], who[happened], moment[happened]
    count = len(kind)
    known = deal >= 0
    shown = columns.decimals(deals.amount[deal], 10)
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "type": columns.lookup(kind, ("deal", "joined", "announcement")),
            "title": columns.lookup(kind, ("A deal was struck", "Somebody new is here", "What's new 🎉")),
            "description": columns.where(stream.chance(count, 0.5), columns.repeated(count, "See the details.")),
            "user_id": columns.at(people.ids, who),
            "target_user_id": columns.at(people.ids, np.where(known, deals.sponsor[deal], -1)),
            "gig_id": columns.at(gig_ids, np.where(known, deals.gig[deal], -1)),
            "deal_id": columns.at(deal_ids, deal),
            "amount": columns.where(known & stream.chance(count, 0.6), shown),
            "metadata": columns.where(stream.chance(count, 0.1), columns.repeated(count, '{"pinned": false}')),
            "created_at": columns.instants(moment),
        }
    )


def _notifications(stream: Stream, people: People, deals: Deals, deal_ids: pl.Series) -> pl.DataFrame:
    deal = np.flatnonzero(stream.chance(len(deals), 0.7)).astype(np.int64)
    general = stream.between(max(len(people) // 2, 10), 0, len(people))
    side = stream.chance(len(deal), 0.5)
    who = np.concatenate((np.where(side, deals.sponsor[deal], deals.influencer[deal]), general))
    since = np.concatenate((deals.created[deal], people.created[general]))
    deal = np.concatenate((deal, np.full(len(general), -1)))
    count = len(who)
    moment = np.minimum(since + stream.wait(count, DAY), LAST - 1)
    about_deal = deal >= 0
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "user_id": columns.at(people.ids, who),
            "type": columns.lookup(np.where(about_deal, 0, 1), ("deal", "system")),
            "priority": stream.words(count, ("low", "medium", "high", "urgent"), (0.2, 0.6, 0.15, 0.05)),
            "title": columns.lookup(np.where(about_deal, 0, 1), ("Your deal moved on", "Good to know")),
            "message": columns.lookup(
                np.where(about_deal, 0, 1), ("Open it to see what is next.", "We've a new look.")
            ),
            "read": columns.flags(stream.chance(count, 0.7)),
            "created_at": columns.instants(moment),
            "related_id": columns.at(deal_ids, deal),
            "action_url": columns.where(about_deal, columns.repeated(count, "https://app.example.com/deals")),
            "action_label": columns.where(about_deal, columns.repeated(count, "Open")),
            "image_url": columns.where(
                stream.chance(count, 0.1), numbered(count, "https://img.example.com/n/", ".png")
            ),
            "metadata": columns.where(stream.chance(count, 0.1), columns.repeated(count, '{"channel": "push"}')),
        }
    )


def _matches(stream: Stream, people: People, gigs: Gigs, gig_ids: pl.Series) -> pl.DataFrame:
    count = max(len(people), 20)
    sponsors, influencers = people.of(SPONSOR), people.of(INFLUENCER)
    gig = np.where(stream.chance(count, 0.85), stream.between(count, 0, len(gigs)), -1)
    left = np.where(gig >= 0, gigs.sponsor[gig], sponsors[stream.between(count, 0, len(sponsors))])
    right = influencers[stream.between(count, 0, len(influencers))]
    key = (gig + 1) * len(people) * len(people) + left * len(people) + right
    kept = np.sort(np.unique(key, return_index=True)[1])
    gig, left, right = gig[kept], left[kept], right[kept]
    count = len(gig)
    since = np.maximum(
        np.maximum(people.created[left], people.created[right]), np.where(gig >= 0, gigs.created[gig], 0)
    )
    return pl.DataFrame(
        {
            "id": stream.ids(count),
            "user_id": columns.at(people.ids, left),
            "target_id": columns.at(people.ids, right),
            "gig_id": columns.at(gig_ids, gig),
            "match_score": columns.integers(stream.between(count, 20, 101), stream.chance(count, 0.05)),
            "matched_at": columns.instants(seen(part(since, np.full(count, LAST), stream.uniform(count)))),
        }
    )
