-- roles: who may do what, for installations that give each task no more rights than it needs.
--
-- si_reader reads the extracted columns, the record of refreshes and nothing else. By column, a right on a table does
-- not cover ctid and xmin, the place of a row and its version, by which changes are found: they are granted by name.
-- The views of sources show the same, for tables whose policies would hide rows from the role. si_publisher writes
-- the published columns and nothing else, and refreshes the three materialized views through a function. Roles of this
-- kind do not log in: grant them to one that does. Running this twice changes nothing.
--
-- +++
-- roles = ["si_reader", "si_publisher"]
-- +++

do $$
begin
    if to_regrole('si_reader') is null then
        create role si_reader nologin;
    end if;
    -- Everybody has this one unless it was taken away.
    if not has_schema_privilege('si_reader', 'public', 'usage') then
        grant usage on schema public to si_reader;
    end if;
end
$$;

grant usage on schema analytics to si_reader;
grant select on analytics.refreshes to si_reader;

do $$
begin
    if to_regrole('si_publisher') is null then
        create role si_publisher nologin;
    end if;
    -- Everybody has these two unless they were taken away.
    if not has_database_privilege('si_publisher', current_database(), 'temporary') then
        execute format('grant temporary on database %I to si_publisher', current_database());
    end if;
    if not has_schema_privilege('si_publisher', 'public', 'usage') then
        grant usage on schema public to si_publisher;
    end if;
end
$$;

grant usage on schema analytics to si_publisher;
grant select, insert, update on analytics.refreshes to si_publisher;

-- Only its owner may refresh a materialized view (PostgreSQL 17 has a right for it, 14 to 16 do not), so the owner
-- lends a hand for the boards: those that have a table of their name in analytics. It looks names up where nobody else
-- can put any.
create or replace function analytics.refresh_view(view_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if view_name is null or not exists (
        select 1
        from pg_class as board
        inner join pg_class as shown
            on board.relname = shown.relname
        where
            board.relname = view_name
            and board.oid = to_regclass(format('analytics.%I', view_name))
            and shown.oid = to_regclass(format('public.%I', view_name))
            and shown.relkind = 'm'
    ) then
        raise exception 'analytics.refresh_view does not refresh %', view_name using errcode = 'insufficient_privilege';
    end if;
    if (select relispopulated from pg_class where oid = to_regclass(format('public.%I', view_name))) then
        execute format('refresh materialized view concurrently public.%I', view_name);
    else
        execute format('refresh materialized view public.%I', view_name);
    end if;
end
$$;

revoke execute on function analytics.refresh_view(text) from public;

do $$
begin
    -- The function acts for whoever owns the views, not for a superuser who happens to set up the roles.
    execute format(
        'alter function analytics.refresh_view(text) owner to %I',
        (select pg_get_userbyid(relowner) from pg_class where oid = 'public.agent_leaderboard'::regclass)
    );
end
$$;

grant execute on function analytics.refresh_view(text) to si_publisher;
