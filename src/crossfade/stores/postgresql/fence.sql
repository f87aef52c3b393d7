-- name: tables
-- what an application can write, and whether the role may create triggers there
SELECT c.oid::pg_catalog.regclass::text,
       pg_catalog.pg_has_role(c.relowner, 'USAGE'),
       EXISTS (SELECT FROM pg_catalog.pg_trigger t
               WHERE t.tgrelid = c.oid AND t.tgname = 'crossfade_fence' AND t.tgenabled = 'A')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('crossfade', 'information_schema') AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1;

-- name: rights
-- whether the schema of the guard can be created, or used
SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
       OR EXISTS (SELECT FROM pg_catalog.pg_namespace n
                  WHERE n.nspname = 'crossfade' AND pg_catalog.has_schema_privilege(n.oid, 'CREATE'));

-- name: subscriptions
-- changes that another server replicates into this database fire no statement triggers
SELECT s.subname::text FROM pg_catalog.pg_stat_subscription s
JOIN pg_catalog.pg_subscription p ON p.oid = s.subid
JOIN pg_catalog.pg_database d ON d.oid = p.subdbid
WHERE d.datname = pg_catalog.current_database() AND s.pid IS NOT NULL ORDER BY 1;

-- name: exists
SELECT pg_catalog.to_regclass('crossfade.fence') IS NOT NULL;

-- name: others
-- fences of groups of tables: each would open what the other one has closed
SELECT pg_catalog.to_regclass('crossfade.group_fence') IS NOT NULL;

-- name: guard
SELECT token, closed FROM crossfade.fence;

-- name: schema
-- without IF NOT EXISTS, which requires the right to create a schema even if it exists
DO $$ BEGIN
    IF pg_catalog.to_regnamespace('crossfade') IS NULL THEN CREATE SCHEMA crossfade; END IF;
END $$;

-- name: table
CREATE TABLE IF NOT EXISTS crossfade.fence (
    id int PRIMARY KEY CHECK (id = 1), token bigint NOT NULL, commands bigint NOT NULL, closed boolean NOT NULL);

-- name: first
INSERT INTO crossfade.fence VALUES (1, 0, 0, false) ON CONFLICT DO NOTHING;

-- name: refuse
-- sessions of Crossfade identify themselves by a setting: the fence is no protection against malice
CREATE OR REPLACE FUNCTION crossfade.refuse_writes() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF pg_catalog.current_setting('crossfade.writes', true) OPERATOR(pg_catalog.=) 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the table % takes no writes: crossfade has closed it', TG_RELID::pg_catalog.regclass
        USING ERRCODE = 'read_only_sql_transaction';
END
$function$;

-- name: command
-- the first statement of each command: the row is locked, so that commands follow one another
CREATE OR REPLACE FUNCTION crossfade.fence_command(mine bigint) RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
    UPDATE crossfade.fence SET commands = commands OPERATOR(pg_catalog.+) 1
    WHERE token OPERATOR(pg_catalog.=) mine;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another controller has taken over the fence' USING ERRCODE = 'CF001';
    END IF;
END
$function$;

-- name: opening
CREATE OR REPLACE FUNCTION crossfade.fence_open(mine bigint) RETURNS void LANGUAGE plpgsql AS $function$
DECLARE
    closed_table text;
BEGIN
    PERFORM crossfade.fence_command(mine);
    FOR closed_table IN
        SELECT t.tgrelid::pg_catalog.regclass::text FROM pg_catalog.pg_trigger t
        WHERE t.tgname OPERATOR(pg_catalog.=) 'crossfade_fence' AND t.tgenabled OPERATOR(pg_catalog.<>) 'D'
        ORDER BY 1
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s DISABLE TRIGGER crossfade_fence', closed_table);
    END LOOP;
    UPDATE crossfade.fence SET closed = false;
END
$function$;

-- name: take_over
UPDATE crossfade.fence SET token = {token}, commands = 0 WHERE token <= {token} RETURNING token;

-- name: end_older
-- end commands of older controllers, which would lock the row until they time out
SELECT pg_catalog.pg_terminate_backend(a.pid, 5000) FROM pg_catalog.pg_stat_activity a
WHERE a.datname = pg_catalog.current_database() AND a.state <> 'idle' AND a.application_name ~ '^crossfade-fence-[0-9]+$'
  AND pg_catalog.substr(a.application_name, 17)::bigint < {token};

-- name: lock
LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE;

-- name: trigger
CREATE OR REPLACE TRIGGER crossfade_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION crossfade.refuse_writes();

-- name: always
-- also in sessions that replicate
ALTER TABLE {table} ENABLE ALWAYS TRIGGER crossfade_fence;

-- name: begin
SELECT crossfade.fence_command({token});

-- name: closed
UPDATE crossfade.fence SET closed = true;

-- name: open
SELECT crossfade.fence_open({token});

-- name: holders
-- sessions that hold a lock of a writer, and prepared transactions
SELECT pg_catalog.format('session %s (%s, %s, since %s): %s', a.pid, coalesce(a.usename::text, a.backend_type),
                         coalesce(nullif(a.application_name, ''), 'no name'),
                         pg_catalog.to_char(a.xact_start, 'HH24:MI:SS'), coalesce(left(a.query, 80), ''))
FROM pg_catalog.pg_stat_activity a
WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.pid IN (
    SELECT l.pid FROM pg_catalog.pg_locks l
    WHERE l.relation = ANY ({tables}::pg_catalog.regclass[]) AND l.granted
      AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
                     'ExclusiveLock', 'AccessExclusiveLock'))
UNION ALL
SELECT pg_catalog.format('prepared transaction %s (%s, since %s)', p.gid, p.owner,
                         pg_catalog.to_char(p.prepared, 'HH24:MI:SS'))
FROM pg_catalog.pg_prepared_xacts p WHERE p.database = pg_catalog.current_database();

-- name: vacuums
SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
               WHERE l.relation = ANY ({tables}::pg_catalog.regclass[]) AND a.backend_type = 'autovacuum worker');

-- name: triggers
SELECT t.tgrelid::pg_catalog.regclass::text FROM pg_catalog.pg_trigger t WHERE t.tgname = 'crossfade_fence'
AND t.tgparentid = 0 ORDER BY 1;

-- name: drop_trigger
DROP TRIGGER IF EXISTS crossfade_fence ON {table};

-- name: still
-- whether this token is that of the controller; 0: there is none
DO $$ BEGIN
    IF pg_catalog.to_regclass('crossfade.fence') IS NOT NULL THEN
        PERFORM crossfade.fence_command({token});
    ELSIF {token} <> 0 THEN
        RAISE EXCEPTION 'another controller has removed the fence' USING ERRCODE = 'CF001';
    END IF;
END $$;

-- name: forget
DROP FUNCTION IF EXISTS crossfade.fence_open(bigint), crossfade.fence_command(bigint);
DROP TABLE IF EXISTS crossfade.fence;

-- name: drop_refusal
DROP FUNCTION IF EXISTS crossfade.refuse_writes();
