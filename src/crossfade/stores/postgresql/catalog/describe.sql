-- Everything that determines what a database does with a row, as facts. Each query returns `kind`, `name`, `of` (the relation
-- that an object is part of) and `facts`, a JSON object of texts; a NULL fact is absent. {user} and {member} are as in
-- catalog.sql. Columns of version 11 are named; later ones are taken from to_jsonb(row).

-- name: schemas
SELECT 'schema' AS kind, quote_ident(n.nspname) AS name, '' AS of,
       jsonb_build_object('owner', pg_get_userbyid(n.nspowner)::text, 'rights', (SELECT string_agg(x::text, ', ' ORDER BY x::text) FROM unnest(n.nspacl) x),
           'comment', obj_description(n.oid, 'pg_namespace')) AS facts
FROM pg_namespace n
WHERE {user} AND NOT {member:pg_namespace,n.oid}
ORDER BY 2

-- name: extensions
SELECT 'extension' AS kind, quote_ident(e.extname) AS name, '' AS of, jsonb_build_object('version', e.extversion) AS facts
FROM pg_extension e
ORDER BY 2

-- name: relations
-- Row-level security may hide rows from a reader, and an unlogged table is empty after a crash.
SELECT 'relation' AS kind, c.oid::regclass::text AS name, '' AS of, jsonb_build_object(
           'is', CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
                                WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END,
           'persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END,
           'partition key', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
           'partition of', CASE WHEN c.relispartition THEN i.parents || ' ' || pg_get_expr(c.relpartbound, c.oid) END,
           'inherits', CASE WHEN NOT c.relispartition THEN i.parents END,
           'row level security', CASE WHEN c.relrowsecurity THEN 'enabled' END,
           'row level security of the owner', CASE WHEN c.relforcerowsecurity THEN 'forced' END,
           'replica identity', CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' WHEN 'i' THEN 'index' END,
           'definition', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
           'view options', CASE WHEN c.relkind IN ('v', 'm') THEN array_to_string(c.reloptions, ', ') END,
           'defaults', CASE WHEN c.relkind = 'v' THEN
               (SELECT string_agg(format('%I %s', a.attname, pg_get_expr(d.adbin, d.adrelid)), ', ' ORDER BY d.adnum)
                FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE d.adrelid = c.oid) END,
           'options', CASE WHEN c.relkind NOT IN ('v', 'm') THEN
               nullif(concat_ws(', ', array_to_string(c.reloptions, ', '), array_to_string(t.reloptions, ', toast ')), '') END,
           'without data', CASE WHEN NOT c.relispopulated THEN 'yes' END,
           'tablespace', (SELECT quote_ident(s.spcname) FROM pg_tablespace s WHERE s.oid = c.reltablespace),
           'access method', (SELECT quote_ident(m.amname) FROM pg_am m WHERE m.oid = c.relam AND m.amname <> 'heap'),
           'of type', CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
           'server', (SELECT quote_ident(s.srvname) FROM pg_foreign_server s WHERE s.oid = f.ftserver),
           'foreign options', array_to_string(f.ftoptions, ', '),
           'owner', pg_get_userbyid(c.relowner)::text, 'rights', (SELECT string_agg(x::text, ', ' ORDER BY x::text) FROM unnest(c.relacl) x),
           'comment', obj_description(c.oid, 'pg_class')) AS facts
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid
CROSS JOIN LATERAL (SELECT string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno) AS parents
                    FROM pg_inherits WHERE inhrelid = c.oid) i
WHERE {user} AND NOT {member:pg_class,c.oid} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY 2

-- name: columns
-- Since version 18 a NOT NULL constraint can be NOT VALID.
SELECT 'column' AS kind, c.oid::regclass::text || '.' || quote_ident(a.attname) AS name, c.oid::regclass::text AS of,
       jsonb_build_object(
           'type', format_type(a.atttypid, a.atttypmod),
           'not null', CASE WHEN NOT a.attnotnull THEN NULL WHEN k.oid IS NULL THEN 'yes' ELSE 'not validated' END,
           'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
           'generated', CASE WHEN a.attgenerated <> '' THEN format('always as (%s) %s', pg_get_expr(d.adbin, d.adrelid),
                                 CASE a.attgenerated WHEN 'v' THEN 'virtual' ELSE 'stored' END) END,
           'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
           'collation', CASE WHEN a.attcollation <> t.typcollation THEN nullif(a.attcollation, 0)::regcollation::text END,
           'storage', CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external'
                               WHEN 'm' THEN 'main' ELSE 'extended' END END,
           'compression', CASE to_jsonb(a)->>'attcompression' WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
           'statistics target', nullif(to_jsonb(a)->>'attstattarget', '-1'),
           'options', {options},
           'foreign options', array_to_string(a.attfdwoptions, ', '),
           'rights', (SELECT string_agg(x::text, ', ' ORDER BY x::text) FROM unnest(a.attacl) x),
           'comment', col_description(c.oid, a.attnum)) AS facts
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated
WHERE {user} AND NOT {member:pg_class,c.oid} AND c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY 3, a.attnum

-- name: constraints
-- Inherited constraints of a partition (or of an inheriting table) depend on the parent's. Foreign keys and deferrable
-- constraints are enforced by internal triggers, also of each partition. Options of an index are separate facts.
SELECT 'constraint' AS kind, c.oid::regclass::text || '.' || quote_ident(k.conname) AS name, c.oid::regclass::text AS of,
       jsonb_build_object(
           'is', CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique constraint' WHEN 'c' THEN 'check constraint'
                                WHEN 'x' THEN 'exclusion constraint' ELSE 'foreign key' END,
           'definition', regexp_replace(CASE WHEN x.reloptions IS NULL THEN pg_get_constraintdef(k.oid)
                                             ELSE regexp_replace(pg_get_constraintdef(k.oid), ' WITH \([^)]*\)', '') END,
                                        '( NOT VALID| NOT ENFORCED)+$', ''),
           'references', CASE WHEN k.contype = 'f' THEN k.confrelid::regclass::text END,
           'options', array_to_string(x.reloptions, ', '),
           'validated', CASE WHEN k.convalidated THEN 'yes' ELSE 'no' END,
           'enforced', CASE WHEN (to_jsonb(k)->>'conenforced')::boolean IS FALSE THEN 'no' ELSE 'yes' END,
           'triggers',
               (WITH RECURSIVE own(oid) AS (SELECT k.oid UNION ALL
                                            SELECT part.oid FROM pg_constraint part JOIN own ON part.conparentid = own.oid)
                SELECT CASE WHEN bool_or(tgenabled = 'D') THEN 'disabled' WHEN bool_or(tgenabled <> 'O') THEN 'not always'
                            WHEN count(*) > 0 THEN 'enabled' END
                FROM pg_trigger WHERE tgconstraint IN (SELECT oid FROM own)),
           'index', CASE WHEN i.indisvalid AND i.indisready THEN 'valid' WHEN i.indexrelid IS NOT NULL THEN 'invalid' END,
           'clustered', CASE WHEN i.indisclustered AND k.contype <> 'f' THEN 'yes' END,
           'comment', obj_description(k.oid, 'pg_constraint')) AS facts
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_class x ON x.oid = i.indexrelid
WHERE {user} AND NOT {member:pg_class,c.oid} AND k.contype IN ('p', 'u', 'c', 'x', 'f') AND k.conparentid = 0
  AND NOT (k.contype = 'c' AND k.coninhcount > 0)
ORDER BY 2

-- name: indexes
-- Indexes of constraints are included in these, those of partitions in their parent's.
SELECT 'index' AS kind, i.indexrelid::regclass::text AS name, c.oid::regclass::text AS of, jsonb_build_object(
           'is', CASE WHEN i.indisunique THEN 'unique index' ELSE 'index' END,
           'definition', CASE WHEN x.reloptions IS NULL THEN pg_get_indexdef(i.indexrelid)
                              ELSE regexp_replace(pg_get_indexdef(i.indexrelid), ' WITH \([^)]*\)', '') END,
           'options', array_to_string(x.reloptions, ', '),
           'tablespace', (SELECT quote_ident(s.spcname) FROM pg_tablespace s WHERE s.oid = x.reltablespace),
           'valid', CASE WHEN i.indisvalid AND i.indisready THEN 'yes' ELSE 'no' END,
           'clustered', CASE WHEN i.indisclustered THEN 'yes' END,
           'replica identity', CASE WHEN i.indisreplident THEN 'yes' END,
           'comment', obj_description(i.indexrelid, 'pg_class')) AS facts
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND NOT {member:pg_class,c.oid} AND NOT x.relispartition AND c.relkind IN ('r', 'p', 'm')
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY 2

-- name: triggers
SELECT 'trigger' AS kind, c.oid::regclass::text || '.' || quote_ident(t.tgname) AS name, c.oid::regclass::text AS of,
       jsonb_build_object(
           'definition', pg_get_triggerdef(t.oid),
           'enabled', CASE t.tgenabled WHEN 'O' THEN 'yes' WHEN 'D' THEN 'no' WHEN 'R' THEN 'for replicas' ELSE 'always' END,
           'comment', obj_description(t.oid, 'pg_trigger')) AS facts
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND NOT {member:pg_class,c.oid} AND NOT t.tgisinternal AND t.tgname !~ '^crossfade_'
ORDER BY 2

-- name: rules
SELECT 'rule' AS kind, c.oid::regclass::text || '.' || quote_ident(r.rulename) AS name, c.oid::regclass::text AS of,
       jsonb_build_object(
           'definition', pg_get_ruledef(r.oid),
           'enabled', CASE r.ev_enabled WHEN 'O' THEN 'yes' WHEN 'D' THEN 'no' WHEN 'R' THEN 'for replicas' ELSE 'always' END,
           'comment', obj_description(r.oid, 'pg_rewrite')) AS facts
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND NOT {member:pg_class,c.oid} AND r.rulename <> '_RETURN'
ORDER BY 2

-- name: policies
SELECT 'policy' AS kind, c.oid::regclass::text || '.' || quote_ident(p.polname) AS name, c.oid::regclass::text AS of,
       jsonb_build_object(
           'kind of policy', CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
           'command', CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete'
                                    ELSE 'all' END,
           'roles', (SELECT string_agg(CASE WHEN o = 0 THEN 'public' ELSE pg_get_userbyid(o)::text END, ', ' ORDER BY o)
                     FROM unnest(p.polroles) o),
           'using', pg_get_expr(p.polqual, p.polrelid),
           'with check', pg_get_expr(p.polwithcheck, p.polrelid),
           'comment', obj_description(p.oid, 'pg_policy')) AS facts
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {user} AND NOT {member:pg_class,c.oid}
ORDER BY 2

-- name: types
SELECT 'type' AS kind, format_type(t.oid, NULL) AS name, '' AS of, jsonb_build_object(
           'is', CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite type'
                                WHEN 'r' THEN 'range type' ELSE 'base type' END,
           'labels', CASE WHEN t.typtype = 'e' THEN (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder)
                                                     FROM pg_enum WHERE enumtypid = t.oid) END,
           'base', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
           'default', t.typdefault,
           'not null', CASE WHEN t.typnotnull THEN 'yes' END,
           'collation', CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END,
           'checks', (SELECT string_agg(format('%I %s', conname, pg_get_constraintdef(oid)), ', ' ORDER BY conname)
                      FROM pg_constraint WHERE contypid = t.oid),
           'fields', CASE WHEN t.typtype = 'c' THEN
               (SELECT string_agg(format('%I %s%s', attname, format_type(atttypid, atttypmod),
                                         ' COLLATE ' || CASE WHEN attcollation NOT IN (0, 100) THEN attcollation::regcollation END),
                                  ', ' ORDER BY attnum)
                FROM pg_attribute WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped) END,
           'subtype', format_type(r.rngsubtype, NULL),
           'operator class', (SELECT quote_ident(opcname) FROM pg_opclass WHERE oid = r.rngsubopc),
           'subtype difference', nullif(r.rngsubdiff::oid, 0)::regproc::text,
           'canonical', nullif(r.rngcanonical::oid, 0)::regproc::text,
           'functions', CASE WHEN t.typtype = 'b' THEN format('%s %s', t.typinput, t.typoutput) END,
           'owner', pg_get_userbyid(t.typowner)::text, 'rights', (SELECT string_agg(x::text, ', ' ORDER BY x::text) FROM unnest(t.typacl) x),
           'comment', obj_description(t.oid, 'pg_type')) AS facts
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE {user} AND NOT {member:pg_type,t.oid}
  AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c') OR (t.typtype = 'b' AND t.typelem = 0))
ORDER BY 2

-- name: functions
-- Constructors of a range type are created with it.
SELECT 'function' AS kind, format('%s(%s)', p.oid::regproc, pg_get_function_identity_arguments(p.oid)) AS name, '' AS of,
       jsonb_build_object(
           'is', CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window function'
                                ELSE 'function' END,
           'definition', CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END,
           'parts', CASE WHEN p.prokind = 'a' THEN concat_ws(' ', a.aggkind, a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn,
                        a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn, a.aggfinalextra, a.aggmfinalextra,
                        a.aggsortop::regoperator, format_type(a.aggtranstype, NULL), a.aggtransspace,
                        format_type(nullif(a.aggmtranstype, 0), NULL), quote_nullable(a.agginitval), quote_nullable(a.aggminitval),
                        p.proparallel) END,
           'owner', pg_get_userbyid(p.proowner)::text, 'rights', (SELECT string_agg(x::text, ', ' ORDER BY x::text) FROM unnest(p.proacl) x),
           'comment', obj_description(p.oid, 'pg_proc')) AS facts
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
WHERE {user} AND NOT {member:pg_proc,p.oid}
  AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')
ORDER BY 2

-- name: sequences
SELECT 'sequence' AS kind, c.oid::regclass::text AS name,
       coalesce(CASE WHEN d.deptype = 'i' THEN d.refobjid::regclass::text END, '') AS of, jsonb_build_object(
           'type', format_type(s.seqtypid, NULL), 'start', s.seqstart::text, 'increment', s.seqincrement::text,
           'minimum', s.seqmin::text, 'maximum', s.seqmax::text, 'cache', s.seqcache::text,
           'cycle', CASE WHEN s.seqcycle THEN 'yes' ELSE 'no' END,
           'persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END,
           'owner', pg_get_userbyid(c.relowner)::text, 'rights', (SELECT string_agg(x::text, ', ' ORDER BY x::text) FROM unnest(c.relacl) x),
           'owned by', d.refobjid::regclass::text || '.' || quote_ident(a.attname),
           'comment', obj_description(c.oid, 'pg_class')) AS facts
FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
     AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE {user} AND NOT {member:pg_class,c.oid}
ORDER BY 2

-- name: collations
SELECT 'collation' AS kind, c.oid::regcollation::text AS name, '' AS of, jsonb_build_object(
           'provider', c.collprovider::text,
           'locale', concat_ws(' ', to_jsonb(c)->>'colllocale', to_jsonb(c)->>'colliculocale', c.collcollate, c.collctype),
           'deterministic', CASE WHEN c.collisdeterministic THEN 'yes' ELSE 'no' END,
           'rules', to_jsonb(c)->>'collicurules',
           'comment', obj_description(c.oid, 'pg_collation')) AS facts
FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE {user} AND NOT {member:pg_collation,c.oid}
ORDER BY 2

-- name: casts
SELECT 'cast' AS kind, format('%s as %s', format_type(c.castsource, NULL), format_type(c.casttarget, NULL)) AS name, '' AS of,
       jsonb_build_object(
           'method', CASE c.castmethod WHEN 'f' THEN c.castfunc::regprocedure::text WHEN 'i' THEN 'input and output' ELSE 'none' END,
           'context', CASE c.castcontext WHEN 'e' THEN 'explicit' WHEN 'a' THEN 'assignment' ELSE 'implicit' END,
           'comment', obj_description(c.oid, 'pg_cast')) AS facts
FROM pg_cast c
WHERE c.oid >= 16384 AND NOT {member:pg_cast,c.oid}
  AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_cast'::regclass AND i.objid = c.oid AND i.deptype = 'i')
ORDER BY 2

-- name: operators
SELECT 'operator' AS kind, o.oid::regoperator::text AS name, '' AS of, jsonb_build_object(
           'definition', concat_ws(' ', o.oprcode, format_type(o.oprresult, NULL),
                                   'commutator ' || nullif(o.oprcom, 0)::regoperator, 'negator ' || nullif(o.oprnegate, 0)::regoperator,
                                   'restrict ' || nullif(o.oprrest::oid, 0)::regproc, 'join ' || nullif(o.oprjoin::oid, 0)::regproc,
                                   CASE WHEN o.oprcanhash THEN 'hashes' END, CASE WHEN o.oprcanmerge THEN 'merges' END),
           'comment', obj_description(o.oid, 'pg_operator')) AS facts
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
WHERE {user} AND NOT {member:pg_operator,o.oid}
ORDER BY 2

-- name: operator_families
-- With its operators and support functions: an index orders its rows by them.
SELECT 'operator family' AS kind, format('%I.%I using %I', n.nspname, f.opfname, m.amname) AS name, '' AS of,
       jsonb_build_object(
           'operators', (SELECT string_agg(format('%s %s %s', amopstrategy, amopopr::regoperator, amoppurpose), ', '
                                           ORDER BY amoplefttype, amoprighttype, amopstrategy)
                         FROM pg_amop WHERE amopfamily = f.oid),
           'functions', (SELECT string_agg(format('%s %s', amprocnum, amproc::regprocedure), ', '
                                           ORDER BY amproclefttype, amprocrighttype, amprocnum)
                         FROM pg_amproc WHERE amprocfamily = f.oid)) AS facts
FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace JOIN pg_am m ON m.oid = f.opfmethod
WHERE {user} AND NOT {member:pg_opfamily,f.oid}
ORDER BY 2

-- name: operator_classes
SELECT 'operator class' AS kind, format('%I.%I using %I', n.nspname, c.opcname, m.amname) AS name, '' AS of, jsonb_build_object(
           'type', format_type(c.opcintype, NULL), 'default', CASE WHEN c.opcdefault THEN 'yes' ELSE 'no' END,
           'key type', format_type(nullif(c.opckeytype, 0), NULL)) AS facts
FROM pg_opclass c JOIN pg_namespace n ON n.oid = c.opcnamespace JOIN pg_am m ON m.oid = c.opcmethod
WHERE {user} AND NOT {member:pg_opclass,c.oid}
ORDER BY 2

-- name: text_search
SELECT 'text search configuration' AS kind, c.oid::regconfig::text AS name, '' AS of, jsonb_build_object(
           'parser', (SELECT prsname FROM pg_ts_parser WHERE oid = c.cfgparser),
           'mapping', (SELECT string_agg(maptokentype || ' ' || mapdict::regdictionary::text, ', ' ORDER BY maptokentype, mapseqno)
                       FROM pg_ts_config_map WHERE mapcfg = c.oid),
           'comment', obj_description(c.oid, 'pg_ts_config')) AS facts
FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace
WHERE {user} AND NOT {member:pg_ts_config,c.oid}
UNION ALL
SELECT 'text search dictionary', d.oid::regdictionary::text, '', jsonb_build_object(
           'template', (SELECT tmplname FROM pg_ts_template WHERE oid = d.dicttemplate), 'options', NULL,
           'rules', d.dictinitoption, 'comment', obj_description(d.oid, 'pg_ts_dict'))
FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace
WHERE {user} AND NOT {member:pg_ts_dict,d.oid}
ORDER BY 1, 2

-- name: statistics
SELECT 'statistics' AS kind, format('%I.%I', n.nspname, s.stxname) AS name, s.stxrelid::regclass::text AS of,
       jsonb_build_object('definition', pg_get_statisticsobjdef(s.oid),
                          'statistics target', nullif(to_jsonb(s)->>'stxstattarget', '-1'),
                          'comment', obj_description(s.oid, 'pg_statistic_ext')) AS facts
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE {user} AND NOT {member:pg_statistic_ext,s.oid}
ORDER BY 2

-- name: event_triggers
SELECT 'event trigger' AS kind, quote_ident(e.evtname) AS name, '' AS of, jsonb_build_object(
           'event', e.evtevent, 'function', e.evtfoid::regproc::text, 'tags', array_to_string(e.evttags, ', '),
           'enabled', CASE e.evtenabled WHEN 'O' THEN 'yes' WHEN 'D' THEN 'no' WHEN 'R' THEN 'for replicas' ELSE 'always' END) AS facts
FROM pg_event_trigger e
WHERE NOT {member:pg_event_trigger,e.oid}
ORDER BY 2

-- name: settings
-- Initial settings of sessions in this database: those of the database, and of roles that own an object here, have a
-- privilege on one, or are the current role. The value of a setting with a dot in its name may be a secret.
SELECT 'setting' AS kind,
       split_part(setting, '=', 1) || coalesce(' of role ' || quote_ident(r.rolname), '')
           || CASE WHEN s.setdatabase = 0 THEN ' in all databases' ELSE '' END AS name,
       '' AS of,
       jsonb_build_object('value', CASE WHEN split_part(setting, '=', 1) LIKE '%.%' THEN 'hidden, hash ' || hashtext(setting)
                                        ELSE substr(setting, strpos(setting, '=') + 1) END) AS facts
FROM pg_db_role_setting s
CROSS JOIN LATERAL unnest(s.setconfig) setting
LEFT JOIN pg_roles r ON r.oid = s.setrole
WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
   OR s.setdatabase = 0 AND (s.setrole = 0 OR r.rolname = current_user
                             OR EXISTS (SELECT FROM pg_shdepend d JOIN pg_database b ON b.oid = d.dbid
                                        WHERE b.datname = current_database() AND d.refclassid = 'pg_authid'::regclass
                                          AND d.refobjid = s.setrole))
UNION ALL
SELECT 'setting', 'connection limit', '', jsonb_build_object('value', datconnlimit::text)
FROM pg_database WHERE datname = current_database() AND datconnlimit <> -1
ORDER BY 2

-- name: publications
-- PostgreSQL refuses to update and delete rows of a publication that have no replica identity.
SELECT 'publication' AS kind, quote_ident(p.pubname) AS name, '' AS of, jsonb_build_object(
           'publishes', concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                                  CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END),
           'tables', CASE WHEN p.puballtables THEN 'all' ELSE t.tables END,
           'refuses changes of', CASE WHEN p.pubupdate OR p.pubdelete THEN t.refused END,
           'owner', pg_get_userbyid(p.pubowner)::text) AS facts
FROM pg_publication p
CROSS JOIN LATERAL (
    SELECT string_agg(c.oid::regclass::text || coalesce(' where ' || (to_jsonb(m)->>'rowfilter'), ''), ', '
                      ORDER BY c.oid::regclass::text) AS tables,
           string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid::regclass::text) FILTER (WHERE CASE c.relreplident
               WHEN 'd' THEN NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
               WHEN 'i' THEN NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident)
               ELSE c.relreplident = 'n' OR jsonb_array_length(to_jsonb(m)->'attnames') < c.relnatts END) AS refused
    FROM pg_publication_tables m
    JOIN pg_namespace n ON n.nspname = m.schemaname
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = m.tablename
    WHERE m.pubname = p.pubname AND {user}) t
ORDER BY 2

-- name: subscriptions
SELECT 'subscription' AS kind, quote_ident(s.subname) AS name, '' AS of,
       jsonb_build_object('enabled', CASE WHEN s.subenabled THEN 'yes' ELSE 'no' END) AS facts
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
WHERE d.datname = current_database()
ORDER BY 2
