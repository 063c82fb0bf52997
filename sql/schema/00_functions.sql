-- functions: what the tables' defaults and triggers call.
--
-- Keys come from uuid_generate_v4(): the one of the extension uuid-ossp where it is already installed and on the
-- search path, else a wrapper over the server's own gen_random_uuid(), which takes no superuser to define.
--
-- +++
-- +++

do $$
begin
    if to_regprocedure('uuid_generate_v4()') is null then
        create function uuid_generate_v4() returns uuid
        language sql volatile parallel safe
        as 'select pg_catalog.gen_random_uuid()';
    end if;
end
$$;

create or replace function update_updated_at_column() returns trigger
language plpgsql
as $$
begin
    new.updated_at = now();
    return new;
end;
$$;
