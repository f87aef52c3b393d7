-- name: references
-- the foreign keys that refer to a table and act when its rows are deleted ({action} is confdeltype) or updated
-- (confupdtype): the number, the table or the one whose partition it is, its name, what becomes of its rows, its columns
-- and those that they refer to
SELECT f.oid::text, COALESCE(pg_catalog.pg_partition_root(f.conrelid), f.conrelid)::oid::text,
       f.conrelid::pg_catalog.regclass::text, f.{action}::text,
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(f.conkey) WITH ORDINALITY AS k(number, n)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.number ORDER BY k.n),
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(f.confkey) WITH ORDINALITY AS k(number, n)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.number ORDER BY k.n)
FROM pg_catalog.pg_constraint f
WHERE f.contype = 'f' AND f.confrelid = {oid}::oid AND f.{action} IN ('c', 'n', 'd') AND f.conparentid = 0;
