-- The objects of a database, from the catalog. Every query runs with an empty search_path, so that all names are
-- qualified. {user} tests for schemas of the user, {member} for members of an extension.

-- name: schemas
SELECT n.oid, quote_ident(n.nspname) AS name
FROM pg_namespace n
WHERE {user} AND n.nspname <> 'public' AND NOT {member:pg_namespace,n.oid}
ORDER BY n.nspname

-- name: extensions
-- `comment`: another than the one that it comes with.
SELECT e.oid, quote_ident(e.extname) AS name, quote_ident(n.nspname) AS schema, e.extrelocatable AS relocatable, c.comment
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
CROSS JOIN LATERAL (SELECT nullif(obj_description(e.oid, 'pg_extension'), (SELECT a.comment FROM pg_available_extensions a
                                                                           WHERE a.name = e.extname)) AS comment) c
WHERE e.extname <> 'plpgsql' OR c.comment IS NOT NULL
ORDER BY e.extname

-- name: public_schema
-- The schema that each database has, if its comment is another than the one that it comes with.
SELECT n.oid, obj_description(n.oid, 'pg_namespace') AS comment FROM pg_namespace n
WHERE n.nspname = 'public' AND obj_description(n.oid, 'pg_namespace') <> 'standard public schema'

-- name: collations
-- The names of the locale's columns differ between versions (15, 17); rules were added in 16.
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
       ARRAY(SELECT format('CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))
             FROM pg_constraint WHERE contypid = t.oid AND contype = 'c' AND convalidated ORDER BY conname) AS checks,
       ARRAY(SELECT format('CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))
             FROM pg_constraint WHERE contypid = t.oid AND contype = 'c' AND NOT convalidated ORDER BY conname) AS open_checks,
       ARRAY(SELECT format('%I %s', f.attname, format_type(f.atttypid, f.atttypmod)) ||
                    CASE WHEN f.attcollation <> ft.typcollation THEN ' COLLATE ' || f.attcollation::regcollation ELSE '' END
             FROM pg_attribute f JOIN pg_type ft ON ft.oid = f.atttypid
             WHERE f.attrelid = t.typrelid AND t.typtype = 'c' AND f.attnum > 0 AND NOT f.attisdropped
             ORDER BY f.attnum) AS fields,
       (SELECT quote_ident(conname) FROM pg_constraint
        WHERE contypid = t.oid AND contype = 'n' AND conname <> t.typname || '_not_null') AS not_null_name,
       format_type(r.rngsubtype, NULL) AS subtype, nullif(r.rngcollation, st.typcollation)::regcollation::text AS range_collation,
       nullif(r.rngcanonical::oid, 0)::regproc::text AS canonical, nullif(r.rngsubdiff::oid, 0)::regproc::text AS difference,
       (SELECT format('%I.%I', on_.nspname, o.opcname) FROM pg_opclass o JOIN pg_namespace on_ ON on_.oid = o.opcnamespace
        WHERE o.oid = r.rngsubopc AND NOT o.opcdefault) AS operator_class,
       (SELECT format_type(m.oid, NULL) FROM pg_type m WHERE m.oid = (to_jsonb(r)->>'rngmultitypid')::oid) AS multirange
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_type st ON st.oid = r.rngsubtype
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE {user} AND NOT {member:pg_type,t.oid} AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))
ORDER BY 2

-- name: named_types
-- All types that are not built in, including those of extensions, for reading column types.
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
       a.aggtransspace AS space, a.aggfinalextra AS final_extra, a.aggfinalmodify AS final_modify,
       nullif(a.aggserialfn::oid, 0)::regproc::text AS serial, nullif(a.aggdeserialfn::oid, 0)::regproc::text AS deserial,
       nullif(a.aggmtransfn::oid, 0)::regproc::text AS moving, nullif(a.aggminvtransfn::oid, 0)::regproc::text AS inverse,
       format_type(nullif(a.aggmtranstype, 0), NULL) AS moving_state, a.aggmtransspace AS moving_space,
       nullif(a.aggmfinalfn::oid, 0)::regproc::text AS moving_final, a.aggmfinalextra AS moving_final_extra,
       a.aggmfinalmodify AS moving_final_modify, a.aggminitval AS moving_initial
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
WHERE {user} AND NOT {member:pg_proc,p.oid}
  AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')
ORDER BY 2

-- name: sequences
-- `owner` is the column that owns a sequence; sequences of identity columns (deptype i) are created with their tables.
SELECT c.oid, c.oid::regclass::text AS name, c.relpersistence = 'u' AS unlogged, format_type(s.seqtypid, NULL) AS type, s.seqstart AS start,
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
       c.relforcerowsecurity AS forced_row_security, format_type(nullif(c.reloftype, 0), NULL) AS of_type,
       (SELECT NOT r.rolsuper AND NOT r.rolbypassrls FROM pg_roles r WHERE r.rolname = current_user) AS is_bound,
       array_to_string(c.reloptions, ', ') AS options,
       (SELECT array_to_string(array(SELECT 'toast.' || o FROM unnest(t.reloptions) o), ', ')
        FROM pg_class t WHERE t.oid = c.reltoastrelid) AS toast_options,
       CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
       CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS bound,
       CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid END AS root,
       CASE WHEN c.relispartition THEN pg_get_partition_constraintdef(c.oid) END AS rows_of_part,
       ARRAY(SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = c.oid ORDER BY inhseqno) AS parents,
       c.relreplident AS replica_identity, c.relacl IS NOT NULL AS has_grants,
       (SELECT quote_ident(m.amname) FROM pg_am m
        WHERE m.oid = c.relam AND m.amname <> 'heap' AND {member:pg_am,m.oid}) AS access_method
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
       to_jsonb(a)->>'attcompression' AS compression, nullif(to_jsonb(a)->>'attstattarget', '-1') AS statistics,
       {options} AS options,
       (SELECT CASE WHEN k.conname <> c.relname || '_' || a.attname || '_not_null' THEN quote_ident(k.conname) END
        FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]) AS not_null_name,
       EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]
                 AND k.connoinherit) AS not_null_alone,
       EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]
                 AND NOT k.convalidated) AS not_null_later,
       EXISTS (SELECT FROM pg_inherits i JOIN pg_attribute pa ON pa.attrelid = i.inhparent AND pa.attname = a.attname
               WHERE i.inhrelid = a.attrelid AND pa.attnotnull
                 AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = pa.attrelid AND k.contype = 'n'
                                   AND k.conkey = ARRAY[pa.attnum] AND k.connoinherit)) AS parent_not_null,
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
-- A table's own primary keys, uniques, checks, exclusions and foreign keys, without a partition's copies of its parent's;
-- and NOT NULL constraints that are not valid for the rows that were there (since 18).
SELECT k.oid, k.conrelid AS table, k.conname::text AS name, quote_ident(k.conname) AS sql_name, k.contype AS kind,
       regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') AS sql, k.conislocal AS is_local,
       k.confrelid AS parent, k.confmatchtype = 'f' AS match_full, k.conindid AS index,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, i)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.i) AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(n, i)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY u.i) AS parent_columns,
       coalesce((to_jsonb(k)->>'conenforced')::boolean, true) AS enforced, k.convalidated AS validated,
       (SELECT array_to_string(x.reloptions, ', ') FROM pg_class x
        WHERE x.oid = k.conindid AND k.contype IN ('p', 'u')) AS index_options
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND c.relkind IN ('r', 'p') AND k.conparentid = 0
  AND (k.contype IN ('p', 'u', 'c', 'x', 'f') OR k.contype = 'n' AND NOT k.convalidated)
ORDER BY k.conrelid, k.conname

-- name: indexes
SELECT i.indexrelid AS oid, i.indrelid AS table, x.relname::text AS name, quote_ident(x.relname) AS sql_name,
       pg_get_indexdef(i.indexrelid) AS sql, i.indisunique AS is_unique, i.indisprimary AS is_primary,
       x.relispartition AS is_attached, c.relkind AS table_kind, t.nspname::text AS schema,
       EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) AS is_constraint,
       ARRAY(SELECT pg_get_indexdef(i.indexrelid, n, true) ||
                    CASE WHEN i.indcollation[n - 1] NOT IN (0, coalesce(a.attcollation, 'pg_catalog."default"'::regcollation))
                           OR EXISTS (SELECT FROM pg_collation l
                                      WHERE l.oid = i.indcollation[n - 1] AND NOT l.collisdeterministic)
                         THEN ' COLLATE ' || i.indcollation[n - 1]::regcollation::text ELSE '' END
             FROM generate_series(1, i.indnkeyatts) n
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n - 1] AND a.attnum > 0
             ORDER BY n) AS expressions,
       pg_get_expr(i.indpred, i.indrelid, true) AS predicate,
       coalesce((to_jsonb(i)->>'indnullsnotdistinct')::boolean, false) AS nulls_not_distinct, i.indisclustered AS clustered,
       i.indisreplident AS replica_identity,
       ARRAY(SELECT format('%s %s', s.attnum, to_jsonb(s)->>'attstattarget') FROM pg_attribute s
             WHERE s.attrelid = i.indexrelid AND coalesce(to_jsonb(s)->>'attstattarget', '-1') <> '-1' ORDER BY s.attnum) AS statistics
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_namespace t ON t.oid = x.relnamespace
WHERE {user} AND c.relkind IN ('r', 'p', 'm') AND NOT {member:pg_class,c.oid}
ORDER BY i.indrelid, x.relname

-- name: views
SELECT c.oid, c.oid::regclass::text AS name, c.relkind AS kind, pg_get_viewdef(c.oid) AS sql,
       c.relispopulated AS populated,
       array_to_string(c.reloptions || array(SELECT 'toast.' || o FROM pg_class t, unnest(t.reloptions) o
                                             WHERE t.oid = c.reltoastrelid), ', ') AS options,
       (SELECT quote_ident(m.amname) FROM pg_am m
        WHERE m.oid = c.relam AND m.amname <> 'heap' AND {member:pg_am,m.oid}) AS access_method,
       ARRAY(SELECT format('%I SET DEFAULT %s', a.attname, pg_get_expr(d.adbin, d.adrelid))
             FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
             WHERE d.adrelid = c.oid ORDER BY a.attnum) AS defaults
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND NOT {member:pg_class,c.oid} AND c.relkind IN ('v', 'm')
ORDER BY 2

-- name: other_columns
-- Columns of materialized views and foreign tables for which something is set.
SELECT c.oid::regclass::text AS table, a.attname::text AS name, quote_ident(a.attname) AS sql_name,
       CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END AS storage,
       to_jsonb(a)->>'attcompression' AS compression, nullif(to_jsonb(a)->>'attstattarget', '-1') AS statistics,
       {options} AS options
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
WHERE {user} AND NOT {member:pg_class,c.oid} AND c.relkind IN ('m', 'f') AND NOT c.relispartition
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, a.attnum

-- name: rules
SELECT r.rulename::text AS name, quote_ident(r.rulename) AS sql_name, c.oid::regclass::text AS table,
       pg_get_ruledef(r.oid) AS sql, r.ev_enabled AS enabled
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND r.rulename <> '_RETURN'
ORDER BY 2, 1

-- name: triggers
-- A partition's copy of its parent's trigger may have another mode.
SELECT t.tgname::text AS name, quote_ident(t.tgname) AS sql_name, c.oid::regclass::text AS table,
       pg_get_triggerdef(t.oid) AS sql, t.tgenabled AS enabled, p.tgenabled AS enabled_in_parent
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_trigger p ON p.oid = (to_jsonb(t)->>'tgparentid')::oid
WHERE {user} AND NOT t.tgisinternal AND t.tgname !~ '^crossfade_' AND (p.oid IS NULL OR p.tgenabled <> t.tgenabled)
ORDER BY p.oid IS NOT NULL, 3, 1

-- name: statistics
SELECT format('%I.%I', m.nspname, s.stxname) AS name, pg_get_statisticsobjdef(s.oid) AS sql,
       nullif(to_jsonb(s)->>'stxstattarget', '-1') AS target, c.relkind = 'm' AS of_view
FROM pg_statistic_ext s JOIN pg_namespace m ON m.oid = s.stxnamespace
JOIN pg_class c ON c.oid = s.stxrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user}
ORDER BY 1

-- name: comments
-- Only objects created after the cluster: thousands of built-in objects have comments. Extensions and the schema public
-- are commented before the copy.
SELECT CASE WHEN c.relispartition AND c.relkind IN ('i', 'I') THEN 'index of a partition' ELSE o.type END AS type,
       o.identity, d.description AS text
FROM pg_description d
CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) o
LEFT JOIN pg_namespace n ON n.nspname = o.schema
LEFT JOIN pg_class c ON d.classoid = 'pg_class'::regclass AND c.oid = d.objoid
WHERE d.objoid >= 16384 AND (n.oid IS NULL OR {user}) AND o.type <> 'extension' AND (o.type, o.identity) <> ('schema', 'public')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
ORDER BY 1, 2

-- name: policies
SELECT p.polname::text AS name, c.oid::regclass::text AS table,
       format('CREATE POLICY %I ON %s%s%s TO %s%s%s', p.polname, c.oid::regclass,
              CASE WHEN NOT p.polpermissive THEN ' AS RESTRICTIVE' ELSE '' END,
              CASE p.polcmd WHEN 'r' THEN ' FOR SELECT' WHEN 'a' THEN ' FOR INSERT' WHEN 'w' THEN ' FOR UPDATE'
                            WHEN 'd' THEN ' FOR DELETE' ELSE '' END,
              (SELECT string_agg(CASE WHEN o = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END, ', ' ORDER BY o)
               FROM unnest(p.polroles) o),
              ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
              ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') AS sql
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND NOT {member:pg_policy,p.oid}
ORDER BY 2, 1

-- name: casts
SELECT c.oid, format('%s as %s', format_type(c.castsource, NULL), format_type(c.casttarget, NULL)) AS name,
       format('CREATE CAST (%s AS %s) %s%s', format_type(c.castsource, NULL), format_type(c.casttarget, NULL),
              CASE c.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || c.castfunc::regprocedure WHEN 'i' THEN 'WITH INOUT'
                                ELSE 'WITHOUT FUNCTION' END,
              CASE c.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' ELSE '' END) AS sql
FROM pg_cast c
WHERE c.oid >= 16384 AND NOT {member:pg_cast,c.oid}
  AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_cast'::regclass AND i.objid = c.oid AND i.deptype = 'i')
ORDER BY 2

-- name: operators
-- Commutators and negators are stored for both operators; creating the first creates a shell of the other.
SELECT o.oid, o.oid::regoperator::text AS name,
       format('CREATE OPERATOR %I.%s (%s)', n.nspname, o.oprname, concat_ws(', ',
              'FUNCTION = ' || o.oprcode, 'LEFTARG = ' || format_type(nullif(o.oprleft, 0), NULL),
              'RIGHTARG = ' || format_type(o.oprright, NULL),
              (SELECT format('COMMUTATOR = OPERATOR(%I.%s)', cn.nspname, co.oprname)
               FROM pg_operator co JOIN pg_namespace cn ON cn.oid = co.oprnamespace WHERE co.oid = o.oprcom),
              (SELECT format('NEGATOR = OPERATOR(%I.%s)', nn.nspname, no.oprname)
               FROM pg_operator no JOIN pg_namespace nn ON nn.oid = no.oprnamespace WHERE no.oid = o.oprnegate),
              'RESTRICT = ' || nullif(o.oprrest::oid, 0)::regproc, 'JOIN = ' || nullif(o.oprjoin::oid, 0)::regproc,
              CASE WHEN o.oprcanhash THEN 'HASHES' END, CASE WHEN o.oprcanmerge THEN 'MERGES' END)) AS sql
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
WHERE {user} AND NOT {member:pg_operator,o.oid} AND o.oprcode::oid <> 0
ORDER BY 2

-- name: operator_families
SELECT f.oid, format('%I.%I USING %I', n.nspname, f.opfname, m.amname) AS name
FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace JOIN pg_am m ON m.oid = f.opfmethod
WHERE {user} AND NOT {member:pg_opfamily,f.oid}
ORDER BY 2

-- name: operator_classes
SELECT c.oid, format('%I.%I', n.nspname, c.opcname) AS name, m.amname AS method, c.opcdefault AS is_default,
       format_type(c.opcintype, NULL) AS type, format_type(nullif(c.opckeytype, 0), NULL) AS key_type,
       (SELECT format('%I.%I', fn.nspname, f.opfname) FROM pg_opfamily f JOIN pg_namespace fn ON fn.oid = f.opfnamespace
        WHERE f.oid = c.opcfamily) AS family
FROM pg_opclass c JOIN pg_namespace n ON n.oid = c.opcnamespace JOIN pg_am m ON m.oid = c.opcmethod
WHERE {user} AND NOT {member:pg_opclass,c.oid}
ORDER BY 2

-- name: operator_members
-- The members of an operator class, or loose members of a family: `owner` is the class or the family.
SELECT d.refclassid = 'pg_opclass'::regclass AS in_class, d.refobjid AS owner,
       format('OPERATOR %s %s', a.amopstrategy, a.amopopr::regoperator) ||
       coalesce(' FOR ORDER BY ' || (SELECT format('%I.%I', sn.nspname, s.opfname)
                                     FROM pg_opfamily s JOIN pg_namespace sn ON sn.oid = s.opfnamespace
                                     WHERE s.oid = nullif(a.amopsortfamily, 0)), '') AS sql
FROM pg_amop a JOIN pg_depend d ON d.classid = 'pg_amop'::regclass AND d.objid = a.oid
WHERE a.oid >= 16384 AND d.refclassid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass)
UNION ALL
SELECT d.refclassid = 'pg_opclass'::regclass, d.refobjid,
       format('FUNCTION %s (%s, %s) %s', p.amprocnum, format_type(p.amproclefttype, NULL), format_type(p.amprocrighttype, NULL),
              p.amproc::regprocedure)
FROM pg_amproc p JOIN pg_depend d ON d.classid = 'pg_amproc'::regclass AND d.objid = p.oid
WHERE p.oid >= 16384 AND d.refclassid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass)
ORDER BY 1, 2, 3

-- name: text_search
SELECT 'pg_ts_dict'::regclass::oid AS class_, d.oid, 'dictionary' AS kind, d.oid::regdictionary::text AS name,
       ARRAY[format('CREATE TEXT SEARCH DICTIONARY %s (TEMPLATE = %I.%I%s)', d.oid::regdictionary, tn.nspname, t.tmplname,
                    ', ' || d.dictinitoption)] AS sql
FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace
JOIN pg_ts_template t ON t.oid = d.dicttemplate JOIN pg_namespace tn ON tn.oid = t.tmplnamespace
WHERE {user} AND NOT {member:pg_ts_dict,d.oid}
UNION ALL
SELECT 'pg_ts_config'::regclass, c.oid, 'configuration', c.oid::regconfig::text,
       ARRAY[format('CREATE TEXT SEARCH CONFIGURATION %s (PARSER = %I.%I)', c.oid::regconfig, pn.nspname, p.prsname)] ||
       ARRAY(SELECT format('ALTER TEXT SEARCH CONFIGURATION %s ADD MAPPING FOR %I WITH %s', c.oid::regconfig,
                           (SELECT alias FROM ts_token_type(c.cfgparser) k WHERE k.tokid = m.maptokentype),
                           string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno))
             FROM pg_ts_config_map m WHERE m.mapcfg = c.oid GROUP BY m.maptokentype ORDER BY m.maptokentype)
FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace
JOIN pg_ts_parser p ON p.oid = c.cfgparser JOIN pg_namespace pn ON pn.oid = p.prsnamespace
WHERE {user} AND NOT {member:pg_ts_config,c.oid}
ORDER BY 3, 4

-- name: wrappers
SELECT w.oid, quote_ident(w.fdwname) AS name,
       format('CREATE FOREIGN DATA WRAPPER %I%s%s%s', w.fdwname, ' HANDLER ' || nullif(w.fdwhandler, 0)::regproc,
              ' VALIDATOR ' || nullif(w.fdwvalidator, 0)::regproc,
              (SELECT ' OPTIONS (' || string_agg(format('%I %L', option_name, option_value), ', ') || ')'
               FROM pg_options_to_table(w.fdwoptions))) AS sql
FROM pg_foreign_data_wrapper w
WHERE NOT {member:pg_foreign_data_wrapper,w.oid}
ORDER BY 2

-- name: servers
SELECT s.oid, quote_ident(s.srvname) AS name,
       format('CREATE SERVER %I%s%s FOREIGN DATA WRAPPER %I%s', s.srvname, ' TYPE ' || quote_literal(s.srvtype),
              ' VERSION ' || quote_literal(s.srvversion), w.fdwname,
              (SELECT ' OPTIONS (' || string_agg(format('%I %L', option_name, option_value), ', ') || ')'
               FROM pg_options_to_table(s.srvoptions))) AS sql
FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
WHERE NOT {member:pg_foreign_server,s.oid}
ORDER BY 2

-- name: foreign_tables
SELECT c.oid, c.oid::regclass::text AS name,
       ARRAY(SELECT format('ALTER FOREIGN TABLE %s ADD CONSTRAINT %I %s', c.oid::regclass, k.conname, pg_get_constraintdef(k.oid))
             FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conislocal AND NOT k.convalidated
             ORDER BY k.conname) AS open_checks,
       format('CREATE FOREIGN TABLE %s (%s)%s SERVER %I%s', c.oid::regclass,
              (SELECT string_agg(part, ', ' ORDER BY of_table, number) FROM
               (SELECT false AS of_table, a.attnum AS number, format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)) ||
                       coalesce((SELECT ' OPTIONS (' || string_agg(format('%I %L', option_name, option_value), ', ') || ')'
                                 FROM pg_options_to_table(a.attfdwoptions)), '') ||
                       CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END ||
                       coalesce(CASE a.attgenerated WHEN '' THEN ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)
                                ELSE format(' GENERATED ALWAYS AS (%s) %s', pg_get_expr(d.adbin, d.adrelid),
                                            CASE a.attgenerated WHEN 'v' THEN 'VIRTUAL' ELSE 'STORED' END) END, '') ||
                       CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END AS part
                FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attislocal
                UNION ALL
                SELECT true, row_number() OVER (ORDER BY k.conname), format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid))
                FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conislocal AND k.convalidated) parts),
              coalesce((SELECT ' INHERITS (' || string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno) || ')'
                        FROM pg_inherits WHERE inhrelid = c.oid), ''),
              s.srvname, (SELECT ' OPTIONS (' || string_agg(format('%I %L', option_name, option_value), ', ') || ')'
                          FROM pg_options_to_table(f.ftoptions))) AS sql
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_foreign_table f ON f.ftrelid = c.oid JOIN pg_foreign_server s ON s.oid = f.ftserver
WHERE {user} AND NOT {member:pg_class,c.oid} AND NOT c.relispartition
ORDER BY 2

-- name: event_triggers
SELECT quote_ident(e.evtname) AS name, e.evtenabled AS enabled,
       format('CREATE EVENT TRIGGER %I ON %s%s EXECUTE FUNCTION %s()', e.evtname, e.evtevent,
              ' WHEN TAG IN (' || (SELECT string_agg(quote_literal(t), ', ') FROM unnest(e.evttags) t) || ')', e.evtfoid::regproc) AS sql
FROM pg_event_trigger e
WHERE NOT {member:pg_event_trigger,e.oid}
ORDER BY 1

-- name: aliases
-- Objects that are part of another one: a default or row type of its table, a rule of its view, a member of an extension.
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
SELECT classid, objid, refclassid, refobjid FROM pg_depend
WHERE classid IN ('pg_amop'::regclass, 'pg_amproc'::regclass) AND objid >= 16384
  AND refclassid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass)
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
-- Objects that are not created in the target; a note lists them.
SELECT 'grants on ' || c.oid::regclass::text AS what
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND c.relacl IS NOT NULL AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND NOT {member:pg_class,c.oid}
UNION ALL
SELECT 'grants on function ' || p.oid::regprocedure::text
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {user} AND p.proacl IS NOT NULL AND NOT {member:pg_proc,p.oid}
UNION ALL
SELECT 'foreign table ' || c.oid::regclass::text || ' as a partition'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {user} AND c.relkind = 'f' AND c.relispartition
UNION ALL
SELECT 'user mappings of server ' || quote_ident(s.srvname)
FROM pg_foreign_server s WHERE EXISTS (SELECT FROM pg_user_mappings u WHERE u.srvid = s.oid)
UNION ALL
SELECT 'text search parser ' || quote_ident(o.prsname)
FROM pg_ts_parser o JOIN pg_namespace n ON n.oid = o.prsnamespace WHERE {user} AND NOT {member:pg_ts_parser,o.oid}
UNION ALL
SELECT 'text search template ' || quote_ident(o.tmplname)
FROM pg_ts_template o JOIN pg_namespace n ON n.oid = o.tmplnamespace WHERE {user} AND NOT {member:pg_ts_template,o.oid}
UNION ALL
SELECT 'base type ' || format_type(t.oid, NULL)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE {user} AND t.typtype = 'b' AND t.typelem = 0 AND NOT {member:pg_type,t.oid}
UNION ALL
SELECT 'conversion ' || quote_ident(o.conname)
FROM pg_conversion o JOIN pg_namespace n ON n.oid = o.connamespace WHERE {user} AND NOT {member:pg_conversion,o.oid}
UNION ALL
SELECT 'language ' || quote_ident(l.lanname) FROM pg_language l WHERE l.oid >= 16384 AND NOT {member:pg_language,l.oid}
UNION ALL
SELECT 'access method ' || quote_ident(a.amname) FROM pg_am a WHERE a.oid >= 16384 AND NOT {member:pg_am,a.oid}
UNION ALL
SELECT format('the tablespace of %s', c.oid::regclass) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND c.reltablespace <> 0 AND c.relkind IN ('r', 'p', 'm', 'i', 'I') AND NOT {member:pg_class,c.oid}
UNION ALL
SELECT format('that %s %s depends on the extension %I', o.type, o.identity, e.extname)
FROM pg_depend d CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) o
JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
WHERE d.deptype = 'x'
UNION ALL
SELECT 'transform of ' || format_type(t.trftype, NULL) FROM pg_transform t
WHERE t.oid >= 16384 AND NOT {member:pg_transform,t.oid}
ORDER BY 1
