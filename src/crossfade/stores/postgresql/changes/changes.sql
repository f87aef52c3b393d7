-- name: server
-- what a feed needs from the server, and how much of it is in use
SELECT pg_catalog.current_setting('server_version_num'), pg_catalog.current_setting('wal_level'),
       pg_catalog.pg_is_in_recovery()::text, r.rolsuper::text,
       (r.rolreplication OR r.rolsuper OR EXISTS (
            SELECT FROM pg_catalog.pg_roles g
            WHERE g.rolname = 'rds_replication' AND pg_catalog.pg_has_role(r.oid, g.oid, 'MEMBER')))::text,
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')::text,
       pg_catalog.current_setting('max_replication_slots'),
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots s WHERE s.slot_name <> {slot})::text,
       pg_catalog.current_setting('max_wal_senders'),
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication a
        WHERE a.pid NOT IN (SELECT s.active_pid FROM pg_catalog.pg_replication_slots s
                            WHERE s.slot_name = {slot} AND s.active_pid IS NOT NULL))::text,
       pg_catalog.current_setting('synchronous_standby_names')
FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER;

-- name: parts
-- the tables with the rows of an entity: itself or its partitions, each with its replica identity
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), c.relkind::text,
       c.relpersistence::text, c.relreplident::text, pg_catalog.pg_has_role(c.relowner, 'USAGE')::text,
       COALESCE((SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum)
                 FROM pg_catalog.pg_index i
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])
                 WHERE i.indrelid = c.oid AND i.indimmediate
                   AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END),
                '[]')::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = {oid} OR c.oid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree({oid}) t WHERE t.isleaf)
ORDER BY c.oid = {oid} DESC, 1;

-- name: key_columns_not_followed
-- columns that are computed, or whose type has a conversion to text of its own (as a type of an extension may have)
WITH RECURSIVE base(name, generated, type, of) AS (
    SELECT a.attname, a.attgenerated, t.oid, t.typbasetype
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT b.name, b.generated, t.oid, t.typbasetype FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.of
)
SELECT b.name::text, b.generated::text, EXISTS (
           SELECT FROM pg_catalog.pg_cast k
           WHERE k.castsource = b.type AND k.casttarget = 'pg_catalog.text'::pg_catalog.regtype AND k.castmethod = 'f'
             AND b.type NOT IN ('pg_catalog.bool'::pg_catalog.regtype, 'pg_catalog.bpchar'::pg_catalog.regtype,
                                'pg_catalog.inet'::pg_catalog.regtype, 'pg_catalog.cidr'::pg_catalog.regtype,
                                'pg_catalog.name'::pg_catalog.regtype, 'pg_catalog."char"'::pg_catalog.regtype))::text
FROM base b WHERE b.of = 0;

-- name: definitions
-- a digest of each table (its columns, its identity), and the state of each of its partitions that hold rows
SELECT e.entity, pg_catalog.md5(pg_catalog.concat_ws('|', c.oid, c.relkind, c.relreplident,
           (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attnum, pg_catalog.quote_ident(a.attname),
                                         a.atttypid, a.atttypmod, a.attnotnull), ',' ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))),
       COALESCE((SELECT pg_catalog.json_object_agg(p.oid::text, pg_catalog.concat_ws(' ', p.relreplident, p.relfilenode))
                 FROM pg_catalog.pg_partition_tree(c.oid) t JOIN pg_catalog.pg_class p ON p.oid = t.relid
                 WHERE c.relkind = 'p' AND t.isleaf), '{{}}')::text
FROM ROWS FROM (pg_catalog.unnest({entities}), pg_catalog.unnest({schemas}), pg_catalog.unnest({tables}))
         AS e(entity, schema, relation)
JOIN pg_catalog.pg_namespace n ON n.nspname = e.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = e.relation;

-- name: keys_of
-- the keys of a partition's rows, up to a number
SELECT {texts} FROM ONLY {table} AS t LIMIT {most};

-- name: table_name
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = {oid} AND c.relkind = 'r';

-- name: state
-- what a new snapshot sees, and the state of the publication
SELECT pg_catalog.pg_current_snapshot()::text,
       (SELECT p.oid || ':' || p.xmin || ':' || COALESCE((
                   SELECT pg_catalog.string_agg(r.prrelid || '.' || r.xmin, ',' ORDER BY r.oid)
                   FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid), '')
        FROM pg_catalog.pg_publication p WHERE p.pubname = {publication});

-- name: published
-- the tables of the publication
SELECT r.prrelid::text FROM pg_catalog.pg_publication_rel r
JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid WHERE p.pubname = {publication};

-- name: noted
-- the comment of the publication; no row if there is no publication
SELECT COALESCE(pg_catalog.obj_description(p.oid, 'pg_publication'), '')
FROM pg_catalog.pg_publication p WHERE p.pubname = {publication};

-- name: slot
-- the slot, the log that it retains, and the current position of the server
SELECT s.plugin::text, s.database::text, s.active_pid::text, COALESCE(s.wal_status, ''), s.confirmed_flush_lsn::text,
       pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), s.restart_lsn)::text,
       pg_catalog.pg_current_wal_insert_lsn()::text,
       COALESCE(pg_catalog.to_jsonb(s) OPERATOR(pg_catalog.->>) 'invalidation_reason', '')
FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = {slot};

-- name: mark
-- a message in the log: it has its own transaction, so that the log is flushed up to it
-- the time is from before the message: everything that was acknowledged by then is before it
SELECT pg_catalog.pg_logical_emit_message(true, {prefix}, '')::text, ({clock})::text;

-- name: end_stream
-- ends the session that reads the slot, if there is one
SELECT pg_catalog.pg_terminate_backend(s.active_pid)::text FROM pg_catalog.pg_replication_slots s
WHERE s.slot_name = {slot} AND s.active_pid IS NOT NULL;

-- name: drop_slot
SELECT pg_catalog.pg_drop_replication_slot(s.slot_name)::text FROM pg_catalog.pg_replication_slots s
WHERE s.slot_name = {slot};

-- name: writing
-- sessions whose transaction has written something, the oldest first
SELECT a.pid::text, COALESCE(a.application_name, ''), COALESCE(pg_catalog.to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS'), '')
FROM pg_catalog.pg_stat_activity a
WHERE a.backend_xid IS NOT NULL AND a.pid <> pg_catalog.pg_backend_pid()
ORDER BY a.xact_start LIMIT 5;
