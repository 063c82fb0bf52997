"""What the pandas program reads of Postgres, and how: Arrow's own driver, in one snapshot.

Belongs here: the queries. Each takes the columns needed, and rows of another type or status are left out where they
lie.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from adbc_driver_postgresql import dbapi

_QUERIES = {
    "agents": "select user_id::text as agent_id, tier from public.agent_profiles",
    "users": "select id::text as user_id, name, avatar, role, created_at from public.users",
    "sponsors": "select user_id::text as sponsor_id, company from public.sponsor_profiles",
    "referrals": "select agent_id::text, recruited_user_id::text as user_id, coalesce(is_active, false) as is_active,"
    " recruited_at from public.referrals",
    "deals": "select gig_id::text, influencer_id::text, sponsor_id::text, status, created_at, completed_at"
    " from public.deals",
    "commissions": "select to_user_id::text as agent_id, (amount * 100)::bigint as cents, currency, created_at"
    " from public.transactions where type = 'agent_commission' and status = 'completed'",
    "reviews": "select reviewer_id::text, reviewed_user_id::text as user_id, (rating * 10)::int as rating,"
    " (payment_speed_rating * 10)::int as payment_speed_rating, (communication_rating * 10)::int as"
    " communication_rating, (professionalism_rating * 10)::int as professionalism_rating, created_at"
    " from public.user_reviews",
    "invites": "select agent_id::text, contact_id::text, template_id::text, converted_user_id::text, status, sent_at,"
    " opened_at, clicked_at, accepted_at, coalesce(is_verified, false) as is_verified, verified_at"
    " from public.invites",
    "contacts": "select id::text as contact_id from public.contacts",
    "templates": "select id::text as template_id from public.invite_templates",
    "conversations": "select distinct id::text as conversation_id, unnest(participants)::text as agent_id"
    " from public.conversations",
    "messages": "select conversation_id::text, sender_id::text, created_at, id::text as message_id"
    " from public.messages",
    "gigs": "select id::text as gig_id, created_at from public.gigs",
    "applications": "select id::text as application_id, gig_id::text, influencer_id::text, status, applied_at,"
    " reviewed_at from public.gig_applications",
    "escrow": "select sponsor_id::text, gig_id::text, application_id::text, status, created_at, locked_at,"
    " work_submitted_at, approved_at, released_at from public.escrow_jobs",
    "negotiations": "select id::text as negotiation_id, gig_id::text, influencer_id::text, sponsor_id::text, status,"
    " created_at from public.negotiations",
    "offers": "select id::text as offer_id, negotiation_id::text, from_user_id::text, status, created_at,"
    " responded_at from public.negotiation_offers",
}
"""What is read: ids as text, money and ratings as whole cents and tenths, which add up exactly."""


def read(url: str) -> dict[str, pd.DataFrame]:
    """Every table, in one snapshot, as Arrow and from that as a frame; texts stay Arrow's."""
    text = {pa.string(): pd.StringDtype("pyarrow", na_value=np.nan)}
    tables = {}
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read")
        for name, query in _QUERIES.items():
            cursor.execute(query)
            tables[name] = cursor.fetch_arrow_table().to_pandas(types_mapper=text.get)
    return tables
