-- What a schema may hold besides everything.sql; test_postgresql_dump compares what pg_dump says of it and of ours.
CREATE SCHEMA rare;
CREATE TYPE rare.shell AS (x numeric, y text COLLATE "C");
CREATE TABLE rare.typed OF rare.shell (x WITH OPTIONS NOT NULL DEFAULT 1, PRIMARY KEY (x));
CREATE FUNCTION rare.span_size(a float8, b float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2';
CREATE TYPE rare.span AS RANGE (subtype = float8, subtype_diff = rare.span_size, multirange_type_name = rare.spans);
CREATE TYPE rare.words AS RANGE (subtype = text, collation = "C");
CREATE DOMAIN rare.short AS text CONSTRAINT given NOT NULL CONSTRAINT brief CHECK (length(VALUE) < 9);
COMMENT ON CONSTRAINT brief ON DOMAIN rare.short IS 'not long';
CREATE UNLOGGED SEQUENCE rare.quick;

-- operators, their classes and families
CREATE FUNCTION rare.pair_lt(rare.shell, rare.shell) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.x < $2.x';
CREATE FUNCTION rare.pair_gt(rare.shell, rare.shell) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.x > $2.x';
CREATE FUNCTION rare.pair_le(rare.shell, rare.shell) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.x <= $2.x';
CREATE FUNCTION rare.pair_ge(rare.shell, rare.shell) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.x >= $2.x';
CREATE FUNCTION rare.pair_eq(rare.shell, rare.shell) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.x = $2.x';
CREATE FUNCTION rare.pair_cmp(rare.shell, rare.shell) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT (($1.x > $2.x)::int - ($1.x < $2.x)::int)';
CREATE FUNCTION rare.minus(rare.shell) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT -$1.x';
CREATE OPERATOR rare.<< (LEFTARG = rare.shell, RIGHTARG = rare.shell, FUNCTION = rare.pair_lt, COMMUTATOR = OPERATOR(rare.>>), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR rare.>> (LEFTARG = rare.shell, RIGHTARG = rare.shell, FUNCTION = rare.pair_gt, COMMUTATOR = OPERATOR(rare.<<));
CREATE OPERATOR rare.<<= (LEFTARG = rare.shell, RIGHTARG = rare.shell, FUNCTION = rare.pair_le, NEGATOR = OPERATOR(rare.>>));
CREATE OPERATOR rare.>>= (LEFTARG = rare.shell, RIGHTARG = rare.shell, FUNCTION = rare.pair_ge);
CREATE OPERATOR rare.=== (LEFTARG = rare.shell, RIGHTARG = rare.shell, FUNCTION = rare.pair_eq, HASHES, MERGES);
CREATE OPERATOR rare.~~~ (RIGHTARG = rare.shell, FUNCTION = rare.minus);
COMMENT ON OPERATOR rare.=== (rare.shell, rare.shell) IS 'the same x';
CREATE OPERATOR FAMILY rare.by_x_family USING btree;
CREATE OPERATOR CLASS rare.by_x FOR TYPE rare.shell USING btree FAMILY rare.by_x_family AS
    OPERATOR 1 rare.<<, OPERATOR 2 rare.<<=, OPERATOR 3 rare.===, OPERATOR 4 rare.>>=, OPERATOR 5 rare.>>,
    FUNCTION 1 rare.pair_cmp(rare.shell, rare.shell);
CREATE TABLE rare.pairs (id int PRIMARY KEY, pair rare.shell, n int, doc text);
CREATE INDEX pairs_by_x ON rare.pairs (pair rare.by_x);

-- casts and aggregates
CREATE FUNCTION rare.to_shell(int) RETURNS rare.shell LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1, NULL)::rare.shell';
CREATE CAST (int AS rare.shell) WITH FUNCTION rare.to_shell(int) AS ASSIGNMENT;
CREATE CAST (rare.shell AS jsonb) WITH INOUT;
COMMENT ON CAST (int AS rare.shell) IS 'with no y';
CREATE FUNCTION rare.add(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2';
CREATE FUNCTION rare.sub(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2';
CREATE FUNCTION rare.done(numeric) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1::text';
CREATE AGGREGATE rare.total(numeric) (SFUNC = rare.add, STYPE = numeric, SSPACE = 16, FINALFUNC = rare.done,
    FINALFUNC_MODIFY = SHAREABLE, COMBINEFUNC = rare.add, INITCOND = '0', MSFUNC = rare.add, MINVFUNC = rare.sub, MSTYPE = numeric,
    MFINALFUNC = rare.done, MINITCOND = '0', PARALLEL = SAFE);
CREATE AGGREGATE rare.middle(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal,
    FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);

-- text search
CREATE TEXT SEARCH DICTIONARY rare.plain (TEMPLATE = simple, STOPWORDS = english, ACCEPT = false);
CREATE TEXT SEARCH CONFIGURATION rare.search (PARSER = "default");
ALTER TEXT SEARCH CONFIGURATION rare.search ADD MAPPING FOR asciiword, word WITH rare.plain, english_stem;
ALTER TEXT SEARCH CONFIGURATION rare.search ADD MAPPING FOR int, email WITH simple;
COMMENT ON TEXT SEARCH CONFIGURATION rare.search IS 'ours';
COMMENT ON TEXT SEARCH DICTIONARY rare.plain IS 'ours, too';
CREATE INDEX pairs_doc ON rare.pairs USING gin (to_tsvector('rare.search', doc));

-- columns, constraints, indexes
ALTER TABLE rare.pairs ALTER n SET STATISTICS 321;
ALTER TABLE rare.pairs ALTER n SET (n_distinct = -0.5);
ALTER TABLE rare.pairs ALTER doc SET COMPRESSION pglz;
ALTER TABLE rare.pairs ADD CONSTRAINT wanted NOT NULL n;
ALTER TABLE rare.pairs ADD CONSTRAINT not_below CHECK (n > 0) NO INHERIT;
CREATE INDEX pairs_twice ON rare.pairs ((n * 2));
ALTER INDEX rare.pairs_twice ALTER COLUMN 1 SET STATISTICS 77;
CREATE UNIQUE INDEX pairs_n ON rare.pairs (n);
ALTER TABLE rare.pairs REPLICA IDENTITY USING INDEX pairs_n;
CREATE STATISTICS rare.of_pairs (ndistinct, mcv) ON n, (n % 7) FROM rare.pairs;
ALTER STATISTICS rare.of_pairs SET STATISTICS 55;
COMMENT ON STATISTICS rare.of_pairs IS 'two';

-- views with defaults and triggers, rules
CREATE VIEW rare.seen AS SELECT id, n FROM rare.pairs;
ALTER VIEW rare.seen ALTER n SET DEFAULT 5;
CREATE FUNCTION rare.into() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER instead INSTEAD OF INSERT ON rare.seen FOR EACH ROW EXECUTE FUNCTION rare.into();
CREATE TRIGGER after_all AFTER UPDATE ON rare.pairs REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION rare.into();
ALTER TABLE rare.pairs ENABLE ALWAYS TRIGGER after_all;
CREATE RULE looked AS ON UPDATE TO rare.seen DO ALSO NOTIFY seen;
CREATE RULE quiet AS ON DELETE TO rare.pairs DO ALSO NOTIFY seen;
ALTER TABLE rare.pairs DISABLE RULE quiet;
COMMENT ON RULE looked ON rare.seen IS 'who looks';
CREATE MATERIALIZED VIEW rare.empty WITH (fillfactor = 70) AS SELECT n FROM rare.pairs WITH NO DATA;

-- row level security
ALTER TABLE rare.pairs ENABLE ROW LEVEL SECURITY;
ALTER TABLE rare.pairs FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON rare.pairs AS RESTRICTIVE FOR UPDATE TO PUBLIC USING (n > 1) WITH CHECK (n > 2);
CREATE POLICY "all of it" ON rare.pairs USING (true);
COMMENT ON POLICY own ON rare.pairs IS 'mine';

-- partitions that were tables, keys of inheriting tables
CREATE TABLE rare.logs (id int NOT NULL, at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE rare.logs_old (what text, id int NOT NULL, at date NOT NULL);
ALTER TABLE rare.logs ATTACH PARTITION rare.logs_old FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE rare.base (id int, kind text DEFAULT 'b');
CREATE TABLE rare.derived (kind text DEFAULT 'd', CONSTRAINT own CHECK (id > 0)) INHERITS (rare.base);
CREATE TABLE rare.again (LIKE rare.base, CONSTRAINT never CHECK (id > 5) NOT ENFORCED);
CREATE TABLE rare.more () INHERITS (rare.base);
ALTER TABLE ONLY rare.more ALTER kind SET DEFAULT 'm';
ALTER TABLE ONLY rare.more ALTER id SET DEFAULT 3;
ALTER TABLE rare.base ADD CONSTRAINT later CHECK (id < 1000) NOT VALID;
ALTER TABLE rare.pairs ADD CONSTRAINT open FOREIGN KEY (n) REFERENCES rare.pairs NOT VALID;
CREATE TRIGGER logged AFTER INSERT ON rare.logs FOR EACH ROW EXECUTE FUNCTION rare.into();
ALTER TABLE rare.logs_old DISABLE TRIGGER logged;

-- elsewhere
CREATE FOREIGN DATA WRAPPER nowhere OPTIONS (a 'it''s');
CREATE SERVER far VERSION '3' FOREIGN DATA WRAPPER nowhere OPTIONS (host 'there');
CREATE FOREIGN TABLE rare.away (id int OPTIONS (col 'Id') NOT NULL, what text DEFAULT 'x') SERVER far OPTIONS (tab 'T');
COMMENT ON FOREIGN TABLE rare.away IS 'far';
COMMENT ON COLUMN rare.away.what IS 'what';
COMMENT ON SERVER far IS 'there';
CREATE FUNCTION rare.watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER watched ON ddl_command_end WHEN TAG IN ('DROP TABLE', 'CREATE VIEW') EXECUTE FUNCTION rare.watch();
ALTER EVENT TRIGGER watched DISABLE;
COMMENT ON EVENT TRIGGER watched IS 'sleeps';
COMMENT ON FUNCTION rare.minus(rare.shell) IS 'the other way';
COMMENT ON AGGREGATE rare.total(numeric) IS 'all';
COMMENT ON DOMAIN rare.short IS 'short';
COMMENT ON VIEW rare.seen IS 'seen';
COMMENT ON COLUMN rare.seen.n IS 'n';
COMMENT ON SEQUENCE rare.quick IS 'fast';
COMMENT ON COLUMN rare.shell.y IS 'why';
COMMENT ON SCHEMA public IS 'it''s ours';
COMMENT ON FOREIGN DATA WRAPPER nowhere IS 'to nowhere';

-- constraints that were not checked for the rows that were there
ALTER TABLE rare.pairs ADD CONSTRAINT doc_given NOT NULL doc NOT VALID;
COMMENT ON CONSTRAINT doc_given ON rare.pairs IS 'from now on';
ALTER DOMAIN rare.short ADD CONSTRAINT no_x CHECK (VALUE <> 'x') NOT VALID;

-- what is set for columns and indexes of views, and statistics of them
CREATE MATERIALIZED VIEW rare.kept WITH (toast.autovacuum_enabled = off) AS SELECT id, doc, n FROM rare.pairs;
CREATE UNIQUE INDEX kept_id ON rare.kept (id);
ALTER MATERIALIZED VIEW rare.kept CLUSTER ON kept_id;
ALTER MATERIALIZED VIEW rare.kept ALTER COLUMN n SET STATISTICS 300;
ALTER MATERIALIZED VIEW rare.kept ALTER COLUMN n SET (n_distinct = 5);
ALTER MATERIALIZED VIEW rare.kept ALTER COLUMN doc SET STORAGE EXTERNAL;
CREATE STATISTICS rare.of_kept ON id, n FROM rare.kept;
CREATE MATERIALIZED VIEW rare.counted AS SELECT count(*) AS n FROM rare.kept;

-- keys whose indexes have options, columns that are NOT NULL in a part or a child alone
CREATE TABLE rare.keys (a int, b int, c int, PRIMARY KEY (a) WITH (fillfactor = 60) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT keys_b UNIQUE (b) INCLUDE (c) WITH (fillfactor = 50));
CREATE TABLE rare.parts (id int, a int, b int) PARTITION BY LIST (id);
CREATE TABLE rare.parts_1 PARTITION OF rare.parts (a NOT NULL DEFAULT 4) FOR VALUES IN (1);
ALTER TABLE rare.parts_1 ADD CONSTRAINT there NOT NULL b;
CREATE TABLE rare.child () INHERITS (rare.base);
ALTER TABLE rare.child ALTER kind SET NOT NULL;
ALTER TABLE rare.child ADD CONSTRAINT has_id NOT NULL id NO INHERIT;

-- constraints and parents of foreign tables
CREATE FOREIGN TABLE rare.farther (id int, v text COLLATE "C" CHECK (v <> ''), g int GENERATED ALWAYS AS (id * 2) STORED,
    CONSTRAINT big CHECK (id > 5) NO INHERIT) SERVER far;
ALTER FOREIGN TABLE rare.farther ADD CONSTRAINT small CHECK (id < 100) NOT VALID;
ALTER FOREIGN TABLE rare.farther ALTER COLUMN id SET STATISTICS 77;
COMMENT ON CONSTRAINT big ON rare.farther IS 'big';
CREATE FOREIGN TABLE rare.farthest (more int) INHERITS (rare.base) SERVER far;
-- a partition's own comes before its parent's, which it would inherit under the parent's name
CREATE TABLE rare.split (id int, d date) PARTITION BY LIST (id);
CREATE TABLE rare.split_1 PARTITION OF rare.split FOR VALUES IN (1);
ALTER TABLE rare.split_1 ADD CONSTRAINT own_given NOT NULL d NOT VALID;
ALTER TABLE rare.split ADD CONSTRAINT all_given NOT NULL d NOT VALID;
