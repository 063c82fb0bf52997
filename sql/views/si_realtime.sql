-- si_realtime: the publication a realtime service subscribes to, for the tables whose changes a client waits for.
--
-- Here is what another user does while one is looking on: writes, notifies, posts, matches, offers a gig, applies,
-- negotiates, strikes or completes a deal. Left out are accounts, sessions, profiles, contacts, balances, payments
-- and wallets: they hold secrets, personal data or payment identifiers, and a publication carries whole rows.
-- Every table here has a primary key, so updates and deletes can be told apart by the subscriber.
--
-- +++
-- inputs = [
--     "conversations", "messages", "notifications", "feed_activities", "matches", "gigs", "gig_applications",
--     "deals", "negotiations", "negotiation_offers",
-- ]
-- +++

do $$
begin
    if not exists (select from pg_publication where pubname = 'si_realtime') then
        create publication si_realtime for table
            conversations, messages, notifications, feed_activities, matches,
            gigs, gig_applications, deals, negotiations, negotiation_offers;
    end if;
end
$$;
