-- published_since: what was published after a refresh that is known of, or all where none is.
--
-- Dialect  postgres
-- Grain    one row per publication
-- Inputs   analytics.refreshes
-- Params   %(after)s  when the last one that is known of was published, or null
-- Order    finished_at, refresh_id

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
