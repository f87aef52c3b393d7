-- name: server
-- what triggers need from the server and the role
SELECT pg_catalog.current_setting('server_version_num'), pg_catalog.pg_is_in_recovery()::text,
       (pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
        OR EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = 'crossfade'
                   AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')))::text;

-- name: now
-- what a new snapshot sees, the timeline that the server writes, and the time before
SELECT pg_catalog.pg_current_snapshot()::text || '@' ||
       pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8),
       (extract(epoch FROM pg_catalog.statement_timestamp()) * 1000000)::bigint::text;

-- name: head
-- whether there is a feed of this name
SELECT pg_catalog.to_regclass({head})::text;

-- name: noted
-- up to where changes were deleted, and the definitions of the tables
SELECT purged::text, definitions FROM {head};

-- name: note
UPDATE {head} SET definitions = {definitions};

-- name: purged
UPDATE {head} SET purged = {xid}::xid8;

-- name: since
-- the keys of an entity that were written by transactions which a snapshot did not see
SELECT DISTINCT {texts} FROM {changes}
WHERE xid >= {xmin}::xid8 AND NOT pg_catalog.pg_visible_in_snapshot(xid, {snapshot}::pg_snapshot);

-- name: purge
-- delete the changes of transactions that the journal's position has seen
DELETE FROM {changes} WHERE xid < {xid}::xid8;

-- name: sizes
-- the bytes of all tables of a feed
SELECT COALESCE(pg_catalog.sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'crossfade' AND c.relkind = 'r' AND c.relname ~ {pattern};

-- name: triggers
-- the state of the triggers of each table and of its partitions. It differs if a trigger is new or disabled, if its
-- function was replaced, or if its table of changes is another one or gone
SELECT e.entity, r.oid::text,
       COALESCE((SELECT pg_catalog.string_agg(
                            pg_catalog.concat_ws(' ', g.oid, g.tgenabled, g.xmin, p.xmin, COALESCE(c.oid, 0)), ','
                            ORDER BY g.oid)
                 FROM pg_catalog.pg_trigger g
                 JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
                 LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = p.pronamespace AND c.relname = p.proname
                 WHERE g.tgrelid = r.oid AND g.tgname ~ {pattern}), '')
FROM ROWS FROM (pg_catalog.unnest({entities}), pg_catalog.unnest({oids}::oid[])) AS e(entity, oid)
CROSS JOIN LATERAL (SELECT e.oid UNION SELECT t.relid::oid FROM pg_catalog.pg_partition_tree(e.oid) t) r(oid);

-- name: made
-- the triggers, functions and tables that a feed has created
SELECT g.tgname::text, g.tgrelid::pg_catalog.regclass::text, 'trigger'
FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class t ON t.oid = g.tgrelid
WHERE g.tgname ~ {pattern} AND NOT g.tgisinternal AND g.tgparentid = 0
  AND t.relnamespace IS DISTINCT FROM pg_catalog.to_regnamespace('crossfade')::oid
UNION ALL
SELECT pg_catalog.quote_ident(p.proname), '', 'function'
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'crossfade' AND p.proname ~ {pattern}
UNION ALL
SELECT pg_catalog.quote_ident(c.relname), '', 'table'
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'crossfade' AND c.relkind = 'r' AND c.relname ~ {pattern};

-- name: create_schema
CREATE SCHEMA crossfade;

-- name: create_head
CREATE TABLE {head} (purged xid8 NOT NULL, definitions text NOT NULL);

-- name: begin_head
INSERT INTO {head} VALUES ('0', '{{}}');

-- name: create_keeper
-- refuse that others delete noted changes: these would never be read, and nothing would show that
CREATE FUNCTION {head}() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF pg_catalog.current_setting('crossfade.purges', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION '%.% has changes that Crossfade has not read: nobody else deletes them',
            TG_TABLE_SCHEMA, TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END
$function$;

-- name: has_keeper
-- a feed that was created by an older version has none
SELECT 1 FROM pg_catalog.pg_proc p
WHERE p.pronamespace = pg_catalog.to_regnamespace('crossfade')::oid AND p.proname = {name};

-- name: create_kept
CREATE TRIGGER {kept} BEFORE DELETE OR TRUNCATE ON {changes} FOR EACH STATEMENT EXECUTE FUNCTION {head}();

-- name: always_kept
ALTER TABLE {changes} ENABLE ALWAYS TRIGGER {kept};

-- name: may_purge
SELECT pg_catalog.set_config('crossfade.purges', 'on', true);

-- name: create_changes
-- the keys that were written, in the types of their columns, with the transaction
CREATE TABLE {changes} AS SELECT pg_catalog.pg_current_xact_id() AS xid, {columns} FROM {table} t WITH NO DATA;

-- name: create_default
ALTER TABLE {changes} ALTER xid SET DEFAULT pg_catalog.pg_current_xact_id();

-- name: create_index
CREATE INDEX ON {changes} (xid);

-- name: create_function
-- notes the key of a row before and after. A row without values says that every key may have changed: TRUNCATE, and
-- whatever is written after a column of the key was renamed, which must not fail.
CREATE FUNCTION {changes}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $function$
DECLARE
    {declared}
BEGIN
    BEGIN
        IF TG_OP OPERATOR(pg_catalog.=) 'TRUNCATE' THEN
            RAISE EXCEPTION 'every key';
        END IF;
        IF TG_OP OPERATOR(pg_catalog.<>) 'INSERT' THEN
            {assign_old}
        END IF;
        IF TG_OP OPERATOR(pg_catalog.<>) 'DELETE' THEN
            {assign_new}
        END IF;
    EXCEPTION WHEN OTHERS THEN
        INSERT INTO {changes} DEFAULT VALUES;
        RETURN NULL;
    END;
    IF TG_OP OPERATOR(pg_catalog.<>) 'INSERT' THEN
        INSERT INTO {changes} ({names}) VALUES ({old});
    END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        INSERT INTO {changes} ({names}) VALUES ({new});
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' AND pg_catalog.record_image_ne(ROW({new}), ROW({old})) THEN
        INSERT INTO {changes} ({names}) VALUES ({new});
    END IF;
    RETURN NULL;
END
$function$;

-- name: create_row_trigger
CREATE TRIGGER {trigger} AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {changes}();

-- name: create_table_trigger
CREATE TRIGGER {trigger}_all AFTER TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {changes}();

-- name: always
-- also for sessions that apply what another server replicates
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}, ENABLE ALWAYS TRIGGER {trigger}_all;

-- name: drop_trigger
DROP TRIGGER IF EXISTS {trigger} ON {table};
