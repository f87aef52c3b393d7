-- The fence of a group of tables: what differs from that of the whole database (fence.sql).
-- In each, group is a literal, the name of the group, and names an array: the names of its tables.

-- name: tables
-- the named tables and all their children; their parents, if they are of others, are not closed
WITH RECURSIVE named AS (
    SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'crossfade'
      AND CASE WHEN n.nspname = (pg_catalog.parse_ident(pg_catalog.current_setting('search_path'), false))[1]
               THEN c.relname::text ELSE n.nspname || '.' || c.relname END = ANY ({names}::text[])
), below AS (
    SELECT oid FROM named
    UNION
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN below b ON b.oid = i.inhparent
)
SELECT c.oid::pg_catalog.regclass::text,
       pg_catalog.pg_has_role(c.relowner, 'USAGE'),
       EXISTS (SELECT FROM pg_catalog.pg_trigger t
               WHERE t.tgrelid = c.oid AND t.tgname = 'crossfade_fence' AND t.tgenabled = 'A')
FROM pg_catalog.pg_class c JOIN below b ON b.oid = c.oid
WHERE c.relkind IN ('r', 'p')
ORDER BY 1;

-- name: above
-- parents through which others write to these tables, without firing their triggers
SELECT DISTINCT p.oid::pg_catalog.regclass::text, c.oid::pg_catalog.regclass::text
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class p ON p.oid = i.inhparent JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
WHERE c.relkind IN ('r', 'p') AND p.relkind IN ('r', 'p')
  AND c.oid = ANY ({tables}::pg_catalog.regclass[]) AND p.oid <> ALL ({tables}::pg_catalog.regclass[])
ORDER BY 1, 2;

-- name: missing
-- names that do not exist; relations that are not tables take no writes
SELECT t.name FROM pg_catalog.unnest({names}::text[]) AS t(name) WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE CASE WHEN n.nspname = (pg_catalog.parse_ident(pg_catalog.current_setting('search_path'), false))[1]
               THEN c.relname::text ELSE n.nspname || '.' || c.relname END = t.name)
ORDER BY 1;

-- name: unnamed
-- tables that inherit from these without being partitions: they may be entities of another group
WITH RECURSIVE named AS (
    SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'crossfade'
      AND CASE WHEN n.nspname = (pg_catalog.parse_ident(pg_catalog.current_setting('search_path'), false))[1]
               THEN c.relname::text ELSE n.nspname || '.' || c.relname END = ANY ({names}::text[])
), below AS (
    SELECT oid FROM named
    UNION
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN below b ON b.oid = i.inhparent
)
SELECT c.oid::pg_catalog.regclass::text FROM pg_catalog.pg_class c JOIN below b ON b.oid = c.oid
WHERE NOT c.relispartition AND c.oid NOT IN (SELECT oid FROM named)
ORDER BY 1;

-- name: elsewhere
-- tables that another group has closed
SELECT g.place::pg_catalog.regclass::text, g.name FROM crossfade.group_fence_table g
JOIN pg_catalog.pg_trigger t ON t.tgrelid = g.place AND t.tgname = 'crossfade_fence' AND t.tgenabled <> 'D'
WHERE g.name <> {group} AND g.place = ANY ({tables}::pg_catalog.regclass[]) ORDER BY 1;

-- name: others
-- a fence of the whole database: each would open what the other one has closed
SELECT pg_catalog.to_regclass('crossfade.fence') IS NOT NULL;

-- name: exists
SELECT pg_catalog.to_regclass('crossfade.group_fence') IS NOT NULL;

-- name: guard
SELECT token, closed FROM crossfade.group_fence WHERE name = {group};

-- name: table
CREATE TABLE IF NOT EXISTS crossfade.group_fence (
    name text PRIMARY KEY, token bigint NOT NULL, commands bigint NOT NULL, closed boolean NOT NULL);
CREATE TABLE IF NOT EXISTS crossfade.group_fence_table (
    place oid PRIMARY KEY, name text NOT NULL);

-- name: first
INSERT INTO crossfade.group_fence VALUES ({group}, 0, 0, false) ON CONFLICT DO NOTHING;

-- name: command
CREATE OR REPLACE FUNCTION crossfade.group_fence_command(of text, mine bigint) RETURNS void LANGUAGE plpgsql
AS $function$
BEGIN
    UPDATE crossfade.group_fence SET commands = commands OPERATOR(pg_catalog.+) 1
    WHERE name OPERATOR(pg_catalog.=) of AND token OPERATOR(pg_catalog.=) mine;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another controller has taken over the fence' USING ERRCODE = 'CF001';
    END IF;
END
$function$;

-- name: opening
-- the tables that were closed, even if the group has other tables now
CREATE OR REPLACE FUNCTION crossfade.group_fence_open(of text, mine bigint) RETURNS void LANGUAGE plpgsql
AS $function$
DECLARE
    closed_table text;
BEGIN
    PERFORM crossfade.group_fence_command(of, mine);
    FOR closed_table IN
        SELECT t.tgrelid::pg_catalog.regclass::text FROM pg_catalog.pg_trigger t
        JOIN crossfade.group_fence_table g ON g.place OPERATOR(pg_catalog.=) t.tgrelid
        WHERE g.name OPERATOR(pg_catalog.=) of
          AND t.tgname OPERATOR(pg_catalog.=) 'crossfade_fence' AND t.tgenabled OPERATOR(pg_catalog.<>) 'D'
        ORDER BY 1
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s DISABLE TRIGGER crossfade_fence', closed_table);
    END LOOP;
    UPDATE crossfade.group_fence SET closed = false WHERE name OPERATOR(pg_catalog.=) of;
END
$function$;

-- name: take_over
UPDATE crossfade.group_fence SET token = {token}, commands = 0 WHERE name = {group} AND token <= {token}
RETURNING token;

-- name: end_older
SELECT pg_catalog.pg_terminate_backend(a.pid, 5000) FROM pg_catalog.pg_stat_activity a
WHERE a.datname = pg_catalog.current_database() AND a.state <> 'idle'
  AND a.application_name ~ ('^crossfade-fence-' || {group} || '-[0-9]+$')
  AND pg_catalog.substring(a.application_name, '[0-9]+$')::bigint < {token};

-- name: begin
SELECT crossfade.group_fence_command({group}, {token});

-- name: closed
INSERT INTO crossfade.group_fence_table
SELECT place::pg_catalog.oid, {group} FROM pg_catalog.unnest({tables}::pg_catalog.regclass[]) AS t(place)
ON CONFLICT (place) DO UPDATE SET name = excluded.name;
UPDATE crossfade.group_fence SET closed = true WHERE name = {group};

-- name: open
SELECT crossfade.group_fence_open({group}, {token});

-- name: triggers
-- of the tables that it has closed, even if the group has other tables now
SELECT t.tgrelid::pg_catalog.regclass::text FROM pg_catalog.pg_trigger t
JOIN crossfade.group_fence_table g ON g.place = t.tgrelid
WHERE t.tgname = 'crossfade_fence' AND g.name = {group} ORDER BY 1;

-- name: still
DO $$ DECLARE there boolean := false; BEGIN
    IF pg_catalog.to_regclass('crossfade.group_fence') IS NOT NULL THEN
        SELECT EXISTS (SELECT FROM crossfade.group_fence WHERE name = {group}) INTO there;
    END IF;
    IF there THEN
        PERFORM crossfade.group_fence_command({group}, {token});
    ELSIF {token} <> 0 THEN
        RAISE EXCEPTION 'another controller has removed the fence' USING ERRCODE = 'CF001';
    END IF;
END $$;

-- name: forget
-- the last one drops the objects that all of them share
DO $$ BEGIN
    IF pg_catalog.to_regclass('crossfade.group_fence') IS NULL THEN RETURN; END IF;
    LOCK TABLE crossfade.group_fence IN ACCESS EXCLUSIVE MODE;
    DELETE FROM crossfade.group_fence_table WHERE name = {group};
    DELETE FROM crossfade.group_fence WHERE name = {group};
    IF NOT EXISTS (SELECT FROM crossfade.group_fence) THEN
        DROP FUNCTION IF EXISTS crossfade.group_fence_open(text, bigint), crossfade.group_fence_command(text, bigint);
        DROP TABLE crossfade.group_fence_table, crossfade.group_fence;
    END IF;
END $$;

-- name: drop_refusal
-- unless a trigger of another group, or of one that was closed for good, needs it
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgname = 'crossfade_fence') THEN
        DROP FUNCTION IF EXISTS crossfade.refuse_writes();
    END IF;
END $$;
