-- cluster: which cluster of databases this is, as initdb named it once and for all; a standby has its primary's name.
--
-- +++
-- grain = "one row"
-- inputs = "pg_control_system"
-- order = "one row"
-- +++

select system_identifier::text as system_identifier
from pg_control_system()
