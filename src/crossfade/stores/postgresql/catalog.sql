-- What the catalogue says of a database's own objects. Every query runs with an empty search_path, so that all names come
-- qualified. {user} is the test for schemas that are the user's; {member} for objects that an extension brought.

-- name: schemas
SELECT n.oid, quote_ident(n.nspname) AS name
FROM pg_namespace n
WHERE {user} AND n.nspname <> 'public' AND NOT {member:pg_namespace,n.oid}
ORDER BY n.nspname

-- name: extensions
SELECT e.oid, quote_ident(e.extname) AS name, quote_ident(n.nspname) AS schema, e.extrelocatable AS relocatable
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql'
ORDER BY e.extname

-- name: collations
-- The columns of a locale are called otherwise from version to version (15, 17); rules came with 16.
SELECT c.oid, c.oid::regcollation::text AS name, c.collprovider AS provider, c.collcollate AS collate,
       c.collctype AS ctype, c.collisdeterministic AS deterministic, to_jsonb(c)->>'collicurules' AS rules,
       coalesce(to_jsonb(c)->>'colllocale', to_jsonb(c)->>'colliculocale', c.collcollate) AS locale
FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE {user} AND NOT {member:pg_collation,c.oid}
ORDER BY 2

-- name: types
-- Enums, domains, composite and range types, each with what its definition needs.
SELECT t.oid, format_type(t.oid, NULL) AS name, t.typtype AS kind,
       ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder) AS labels,
       format_type(t.typbasetype, t.typtypmod) AS base, t.typnotnull AS not_null, t.typdefault AS default,
       CASE WHEN t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END AS collation,
       ARRAY(SELECT format('CONSTRAINT %I %s', conname, regexp_replace(pg_get_constraintdef(oid), ' NOT VALID$', ''))
             FROM pg_constraint WHERE contypid = t.oid AND contype = 'c' ORDER BY conname) AS checks,
       ARRAY(SELECT format('%I %s', attname, format_type(atttypid, atttypmod))
             FROM pg_attribute WHERE attrelid = t.typrelid AND t.typtype = 'c' AND attnum > 0 AND NOT attisdropped
             ORDER BY attnum) AS fields,
       format_type(r.rngsubtype, NULL) AS subtype
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE {user} AND NOT {member:pg_type,t.oid} AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))
ORDER BY 2

-- name: named_types
-- Every type that is not built in, extensions' too, for reading column types.
SELECT format_type(t.oid, NULL) AS name, t.typtype AS kind, t.typname::text AS plain, n.nspname::text AS schema,
       format_type(t.typbasetype, t.typtypmod) AS base,
       ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder) AS labels
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE {user} AND t.typtype IN ('e', 'd', 'b') AND t.typelem = 0
ORDER BY t.oid

-- name: functions
SELECT p.oid, format('%s(%s)', p.oid::regproc, pg_get_function_identity_arguments(p.oid)) AS name, p.prokind AS kind,
       CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END AS sql,
       a.aggtransfn::regproc::text AS transition, format_type(a.aggtranstype, NULL) AS state,
       nullif(a.aggfinalfn::oid, 0)::regproc::text AS final, nullif(a.aggcombinefn::oid, 0)::regproc::text AS combine,
       a.agginitval AS initial, a.aggkind AS aggregate_kind, p.proparallel AS parallel,
       nullif(a.aggsortop, 0)::regoperator::text AS sort_operator,
       a.aggmtransfn::oid <> 0 OR a.aggfinalextra OR a.aggserialfn::oid <> 0 AS unusual
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
WHERE {user} AND NOT {member:pg_proc,p.oid}
  AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')
ORDER BY 2

-- name: sequences
-- `owner` is the column that owns a sequence; identity columns' own (deptype i) come with their tables.
SELECT c.oid, c.oid::regclass::text AS name, format_type(s.seqtypid, NULL) AS type, s.seqstart AS start,
       s.seqincrement AS increment, s.seqmin AS minimum, s.seqmax AS maximum, s.seqcache AS cache, s.seqcycle AS cycle,
       d.deptype AS held, d.refobjid AS owner_table, c.relname::text AS plain,
       d.refobjid::regclass::text || '.' || quote_ident(a.attname) AS owner, a.attname::text AS owner_column
FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
     AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE {user} AND NOT {member:pg_class,c.oid}
ORDER BY 2

-- name: tables
SELECT c.oid, c.oid::regclass::text AS sql_name, n.nspname::text AS schema, c.relname::text AS name, c.relkind AS kind,
       c.relispartition AS is_partition, c.relpersistence = 'u' AS unlogged, c.relrowsecurity AS row_security,
       array_to_string(c.reloptions, ', ') AS options,
       (SELECT array_to_string(array(SELECT 'toast.' || o FROM unnest(t.reloptions) o), ', ')
        FROM pg_class t WHERE t.oid = c.reltoastrelid) AS toast_options,
       CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
       CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS bound,
       ARRAY(SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = c.oid ORDER BY inhseqno) AS parents,
       c.relreplident AS replica_identity, c.relacl IS NOT NULL AS has_grants
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND NOT {member:pg_class,c.oid} AND c.relkind IN ('r', 'p')
ORDER BY 2

-- name: columns
SELECT a.attrelid AS table, a.attname::text AS name, quote_ident(a.attname) AS sql_name,
       format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull OR t.typnotnull AS not_null, a.attnotnull AS own_not_null,
       a.attidentity AS identity, a.attgenerated AS generated, a.attislocal AS is_local,
       pg_get_expr(d.adbin, d.adrelid) AS default, t.typdefault IS NOT NULL AS type_default,
       CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0 THEN a.attcollation::regcollation::text END AS collation,
       CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END AS storage,
       to_jsonb(a)->>'attcompression' AS compression,
       (SELECT pg_get_expr(pd.adbin, pd.adrelid)
        FROM pg_inherits i
        JOIN pg_attribute pa ON pa.attrelid = i.inhparent AND pa.attname = a.attname
        JOIN pg_attrdef pd ON pd.adrelid = pa.attrelid AND pd.adnum = pa.attnum
        WHERE i.inhrelid = a.attrelid LIMIT 1) AS parent_default
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE {user} AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum

-- name: constraints
-- Primary keys, uniques, checks, exclusions and foreign keys that are a table's own, not a partition's copy of its parent's.
SELECT k.oid, k.conrelid AS table, k.conname::text AS name, quote_ident(k.conname) AS sql_name, k.contype AS kind,
       regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') AS sql, k.conislocal AS is_local,
       k.confrelid AS parent, k.conindid AS index,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, i)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.i) AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(n, i)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY u.i) AS parent_columns,
       coalesce((to_jsonb(k)->>'conenforced')::boolean, true) AS enforced
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND c.relkind IN ('r', 'p') AND k.contype IN ('p', 'u', 'c', 'x', 'f') AND k.conparentid = 0
ORDER BY k.conrelid, k.conname

-- name: indexes
SELECT i.indexrelid AS oid, i.indrelid AS table, x.relname::text AS name, quote_ident(x.relname) AS sql_name,
       pg_get_indexdef(i.indexrelid) AS sql, i.indisunique AS is_unique, i.indisprimary AS is_primary,
       x.relispartition AS is_attached, c.relkind AS table_kind, t.nspname::text AS schema,
       EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) AS is_constraint,
       ARRAY(SELECT pg_get_indexdef(i.indexrelid, n, true) ||
                    CASE WHEN i.indcollation[n - 1] NOT IN (0, coalesce(a.attcollation, 'pg_catalog."default"'::regcollation))
                         THEN ' COLLATE ' || i.indcollation[n - 1]::regcollation::text ELSE '' END
             FROM generate_series(1, i.indnkeyatts) n
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n - 1] AND a.attnum > 0
             ORDER BY n) AS expressions,
       pg_get_expr(i.indpred, i.indrelid, true) AS predicate,
       coalesce((to_jsonb(i)->>'indnullsnotdistinct')::boolean, false) AS nulls_not_distinct, i.indisclustered AS clustered
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_namespace t ON t.oid = x.relnamespace
WHERE {user} AND c.relkind IN ('r', 'p', 'm') AND NOT {member:pg_class,c.oid}
ORDER BY i.indrelid, x.relname

-- name: views
SELECT c.oid, c.oid::regclass::text AS name, c.relkind AS kind, pg_get_viewdef(c.oid) AS sql,
       array_to_string(c.reloptions, ', ') AS options
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND NOT {member:pg_class,c.oid} AND c.relkind IN ('v', 'm')
ORDER BY 2

-- name: rules
SELECT r.rulename::text AS name, c.oid::regclass::text AS table, pg_get_ruledef(r.oid) AS sql
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND r.rulename <> '_RETURN'
ORDER BY 2, 1

-- name: triggers
SELECT t.tgname::text AS name, quote_ident(t.tgname) AS sql_name, c.oid::regclass::text AS table,
       pg_get_triggerdef(t.oid) AS sql, t.tgenabled AS enabled
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND NOT t.tgisinternal AND coalesce((to_jsonb(t)->>'tgparentid')::oid, 0) = 0
ORDER BY 3, 1

-- name: statistics
SELECT format('%I.%I', m.nspname, s.stxname) AS name, pg_get_statisticsobjdef(s.oid) AS sql
FROM pg_statistic_ext s JOIN pg_namespace m ON m.oid = s.stxnamespace
JOIN pg_class c ON c.oid = s.stxrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user}
ORDER BY 1

-- name: comments
-- Only what was made after the cluster: there are thousands of comments on what comes with it.
SELECT o.type, o.identity, d.description AS text
FROM pg_description d
CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) o
LEFT JOIN pg_trigger g ON d.classoid = 'pg_trigger'::regclass AND g.oid = d.objoid
LEFT JOIN pg_class c ON c.oid = CASE WHEN d.classoid = 'pg_class'::regclass THEN d.objoid ELSE g.tgrelid END
LEFT JOIN pg_type t ON d.classoid = 'pg_type'::regclass AND t.oid = d.objoid
LEFT JOIN pg_proc p ON d.classoid = 'pg_proc'::regclass AND p.oid = d.objoid
LEFT JOIN pg_constraint k ON d.classoid = 'pg_constraint'::regclass AND k.oid = d.objoid
JOIN pg_namespace n ON n.oid = coalesce(c.relnamespace, t.typnamespace, p.pronamespace, k.connamespace,
                                        CASE WHEN d.classoid = 'pg_namespace'::regclass THEN d.objoid END)
WHERE d.objoid >= 16384 AND {user}
  AND (c.relkind IS NULL OR NOT (c.relispartition AND c.relkind IN ('i', 'I')))
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
ORDER BY 1, 2

-- name: aliases
-- Things that are part of another thing: a default of its table, a row type of its table, a rule of its view, an extension's member.
SELECT 'pg_attrdef'::regclass::oid AS class_, oid, 'pg_class'::regclass::oid AS owner_class, adrelid AS owner FROM pg_attrdef
UNION ALL
SELECT 'pg_rewrite'::regclass, oid, 'pg_class'::regclass, ev_class FROM pg_rewrite WHERE rulename = '_RETURN'
UNION ALL
SELECT 'pg_constraint'::regclass, oid, 'pg_class'::regclass, conrelid FROM pg_constraint WHERE contype IN ('c', 'p') AND conrelid <> 0
UNION ALL
SELECT 'pg_constraint'::regclass, oid, 'pg_type'::regclass, contypid FROM pg_constraint WHERE contypid <> 0
UNION ALL
SELECT 'pg_class'::regclass, oid, 'pg_type'::regclass, reltype FROM pg_class WHERE relkind = 'c'
UNION ALL
SELECT 'pg_type'::regclass, t.oid, 'pg_class'::regclass, t.typrelid
FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid WHERE c.relkind <> 'c'
UNION ALL
SELECT 'pg_type'::regclass, typarray, 'pg_type'::regclass, oid FROM pg_type WHERE typarray <> 0
UNION ALL
SELECT classid, objid, refclassid, refobjid FROM pg_depend WHERE deptype = 'e'

-- name: dependencies
SELECT d.classid AS class_, d.objid AS oid, d.refclassid AS needed_class, d.refobjid AS needed
FROM pg_depend d
WHERE d.deptype IN ('n', 'a') AND d.objid >= 16384
  AND NOT (d.deptype = 'a' AND d.classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_sequence s WHERE s.seqrelid = d.objid))
UNION
SELECT 'pg_class'::regclass, inhrelid, 'pg_class'::regclass, inhparent FROM pg_inherits

-- name: left_out
-- What is there and is not carried: said in a note.
SELECT 'row security of table ' || c.oid::regclass::text AS what
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {user} AND c.relrowsecurity
UNION ALL
SELECT format('policy %I on %s', p.polname, p.polrelid::regclass)
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {user}
UNION ALL
SELECT 'grants on ' || c.oid::regclass::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND c.relacl IS NOT NULL AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND NOT {member:pg_class,c.oid}
UNION ALL
SELECT 'foreign table ' || c.oid::regclass::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {user} AND c.relkind = 'f'
UNION ALL
SELECT 'operator ' || o.oid::regoperator::text
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE {user} AND NOT {member:pg_operator,o.oid}
UNION ALL
SELECT 'text search configuration ' || o.oid::regconfig::text
FROM pg_ts_config o JOIN pg_namespace n ON n.oid = o.cfgnamespace WHERE {user} AND NOT {member:pg_ts_config,o.oid}
UNION ALL
SELECT format('cast from %s to %s', format_type(castsource, NULL), format_type(casttarget, NULL))
FROM pg_cast WHERE oid >= 16384 AND NOT {member:pg_cast,pg_cast.oid}
  AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_cast'::regclass AND i.objid = pg_cast.oid AND i.deptype = 'i')
UNION ALL
SELECT 'base type ' || format_type(t.oid, NULL)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE {user} AND t.typtype = 'b' AND t.typelem = 0 AND NOT {member:pg_type,t.oid}
UNION ALL
SELECT 'event trigger ' || quote_ident(evtname) FROM pg_event_trigger WHERE NOT {member:pg_event_trigger,pg_event_trigger.oid}
ORDER BY 1
