-- contact: the people an agent may invite.
--
-- +++
-- grain = "one row per contact"
-- inputs = "raw.contacts"
-- key = "contact_id"
-- +++

select contacts.id as contact_id
from raw.contacts as contacts
