-- name: relations
-- all that holds rows or may be taken for it, but partitions, which are read through their table
SELECT c.oid::text, n.nspname::text, c.relname::text, c.relkind::text,
       GREATEST(COALESCE((SELECT pg_catalog.sum(p.reltuples) FROM pg_catalog.pg_class p
                          WHERE p.oid = c.oid OR p.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid) WHERE isleaf)), 0), 0)::int8::text,
       COALESCE((SELECT pg_catalog.sum(pg_catalog.pg_table_size(p.oid)) FROM pg_catalog.pg_class p
                 WHERE p.relkind IN ('r', 'm')
                   AND (p.oid = c.oid OR p.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)))), 0)::int8::text,
       c.relrowsecurity::text,
       EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid AND c.relkind = 'r')::text,
       COALESCE((SELECT e.extname::text FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
                 WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                   AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e' LIMIT 1), ''),
       pg_catalog.has_table_privilege(c.oid, 'SELECT')::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 2, 3;

-- name: columns
-- of one relation
SELECT a.attname::text, a.atttypid::text, a.atttypmod::text, (NOT a.attnotnull)::text
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- name: keys
-- the columns of its primary key, else of its first unique index that is not partial, over columns that are not null
SELECT i.indisprimary::text, pg_catalog.array_to_json(ARRAY(
           SELECT a.attname::text FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
           JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
           WHERE k.place <= i.indnkeyatts ORDER BY k.place))::text
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid = {oid} AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
  AND i.indimmediate
  AND NOT EXISTS (SELECT FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
                  JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
                  WHERE k.place <= i.indnkeyatts AND NOT a.attnotnull)
ORDER BY i.indisprimary DESC, i.indnkeyatts, x.relname
LIMIT 1;

-- name: place
-- what the database is called, and where the server is
SELECT pg_catalog.current_database()::text,
       COALESCE(pg_catalog.host(pg_catalog.inet_server_addr()), 'socket') || ':' || pg_catalog.current_setting('port'),
       (SELECT d.oid::text FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database());

-- name: large_objects
-- how many there are
SELECT pg_catalog.count(*)::text FROM pg_catalog.pg_largeobject_metadata;
