-- name: relations
-- all relations with rows, and views; without partitions, which are read through their table
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
       pg_catalog.has_table_privilege(c.oid, 'SELECT')::text,
       EXISTS (SELECT FROM pg_catalog.pg_class p
               WHERE c.relkind = 'p' AND p.relkind = 'f' AND p.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)))::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 2, 3;

-- name: unlogged
-- the tables that are not logged, and the entities that they belong to: for a partition its whole table
SELECT COALESCE(pg_catalog.pg_partition_root(c.oid)::oid, c.oid)::text,
       pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'u';

-- name: rules
-- the rules of tables that fire for what is written, and the entities that the tables belong to
SELECT COALESCE(pg_catalog.pg_partition_root(c.oid)::oid, c.oid)::text,
       pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.quote_ident(r.rulename),
       CASE r.ev_type WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT' ELSE 'DELETE' END,
       CASE WHEN r.is_instead THEN 'INSTEAD' ELSE 'ALSO' END
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND r.ev_type IN ('2', '3', '4') AND r.ev_enabled IN ('O', 'A');

-- name: columns
-- of one relation; what is NOT NULL without being validated may hold NULLs (since version 18)
SELECT a.attname::text, a.atttypid::text, a.atttypmod::text,
       (NOT a.attnotnull OR EXISTS (SELECT FROM pg_catalog.pg_constraint c
                                    WHERE c.conrelid = a.attrelid AND c.contype = 'n' AND NOT c.convalidated
                                      AND a.attnum = ANY (c.conkey)))::text,
       EXISTS (SELECT FROM pg_catalog.pg_collation l WHERE l.oid = a.attcollation AND NOT l.collisdeterministic)::text
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- name: keys
-- the columns of its primary key, else of its first unique index that is not partial, over columns that hold no NULL:
-- a constraint NOT NULL that is not validated does not say so
SELECT i.indisprimary::text, pg_catalog.array_to_json(ARRAY(
           SELECT a.attname::text FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
           JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
           WHERE k.place <= i.indnkeyatts ORDER BY k.place))::text
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid = {oid} AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
  AND i.indimmediate
  AND NOT EXISTS (SELECT FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
                  JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
                  LEFT JOIN pg_catalog.pg_constraint c ON c.conrelid = a.attrelid AND c.contype = 'n'
                                                      AND NOT c.convalidated AND a.attnum = ANY (c.conkey)
                  WHERE k.place <= i.indnkeyatts AND (NOT a.attnotnull OR c.oid IS NOT NULL))
ORDER BY i.indisprimary DESC, i.indnkeyatts, x.relname
LIMIT 1;

-- name: definitions
-- a digest of each of these relations: its name, columns and unique indexes
SELECT c.oid::text, pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(' ',
           c.oid, pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(c.relname), a.attnum,
           pg_catalog.quote_ident(a.attname), a.atttypid, a.atttypmod, a.attnotnull,
           (SELECT pg_catalog.string_agg(i.indexrelid::text, ' ' ORDER BY i.indexrelid)
            FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique)), ',' ORDER BY a.attnum))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.oid IN ({oids})
GROUP BY c.oid;

-- name: place
-- the name of the database, and the address of the server
SELECT pg_catalog.current_database()::text,
       COALESCE(pg_catalog.host(pg_catalog.inet_server_addr()), 'socket') || ':' || pg_catalog.current_setting('port'),
       (SELECT d.oid::text FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database());

-- name: large_objects
-- the number of large objects
SELECT pg_catalog.count(*)::text FROM pg_catalog.pg_largeobject_metadata;

-- name: references
-- the foreign keys of one relation: its columns, the relation that they refer to, and the columns there
SELECT pg_catalog.array_to_json(ARRAY(
           SELECT a.attname::text FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS c(number, place)
           JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.number ORDER BY c.place))::text,
       k.confrelid::text,
       pg_catalog.array_to_json(ARRAY(
           SELECT a.attname::text FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS c(number, place)
           JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = c.number ORDER BY c.place))::text
FROM pg_catalog.pg_constraint k
WHERE k.conrelid = {oid} AND k.contype = 'f' AND k.conparentid = 0
ORDER BY k.conname;

-- name: keyed
-- every relation whose primary key is one column, with the column and its type
SELECT c.oid::text, a.attname::text, pg_catalog.format_type(a.atttypid, -1)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
WHERE i.indisprimary AND i.indnkeyatts = 1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition;
