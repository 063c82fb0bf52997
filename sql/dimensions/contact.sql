-- contact: the people an agent may invite.
--
-- +++
-- topic = "invites"
-- grain = "one row per contact"
-- inputs = "raw.contacts"
-- key = "contact_id"
--
-- [columns]
-- contact_id = "the contact"
-- segment = "as filed"
-- source = "where the contact came from"
-- +++

select
    contacts.id as contact_id,
    contacts.segment,
    contacts.source
from raw.contacts as contacts
