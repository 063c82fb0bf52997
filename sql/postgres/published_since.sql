-- published_since: what was published after a refresh that is known of, or all where none is.
--
-- +++
-- grain = "one row per publication"
-- inputs = "analytics.refreshes"
-- order = "finished_at, refresh_id"
--
-- [params]
-- after = "when the last one that is known of was published, or null"
-- +++

select
    refresh_id,
    as_of,
    changed,
    finished_at
from analytics.refreshes
where
    cast(%(after)s as timestamptz) is null
    or finished_at > %(after)s
order by finished_at, refresh_id
