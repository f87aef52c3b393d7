-- name: unique_columns
-- the columns of each unique index, including those in its expressions; whether a NULL in it never conflicts; whether
-- another table refers to it, so that changing it may change rows there
SELECT i.indexrelid::text, a.attname::text, t.typname::text, a.atttypmod,
       NOT a.attnotnull AND NOT COALESCE((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false),
       EXISTS (SELECT FROM pg_catalog.pg_constraint c
               WHERE c.contype = 'f' AND c.confrelid = i.indrelid AND a.attnum = ANY (c.confkey))
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE i.indrelid = {oid} AND i.indisunique AND a.attgenerated = ''
  AND (EXISTS (SELECT FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
               WHERE k.number = a.attnum AND k.place <= i.indnkeyatts)
       OR EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE i.indexprs IS NOT NULL AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND d.objid = i.indexrelid AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum))
ORDER BY i.indexrelid, a.attnum;
