-- One of everything that a schema may hold; test_postgresql_ddl makes it, reflects it, and makes the like of it.
CREATE SCHEMA shop;
COMMENT ON SCHEMA shop IS 'what is sold';
CREATE TYPE shop.state AS ENUM ('open', 'it''s paid', 'closed');
CREATE TYPE shop.pair AS (a int, "B c" text);
CREATE TYPE shop.span AS RANGE (subtype = date);
CREATE COLLATION shop."by Bytes" (provider = libc, lc_collate = 'C', lc_ctype = 'POSIX');
CREATE DOMAIN code AS text COLLATE shop."by Bytes";
CREATE DOMAIN mail_address AS text COLLATE "C" CHECK (VALUE LIKE '%@%');
CREATE DOMAIN short_mail AS mail_address NOT NULL DEFAULT 'a@b' CHECK (length(VALUE) < 40);
CREATE FUNCTION next_number(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE SEQUENCE shop.numbers AS int INCREMENT BY -2 MINVALUE -100 MAXVALUE 50 START WITH 10 CACHE 3 CYCLE;

CREATE TABLE "People" (
    "Id" uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "first name" varchar(20) COLLATE "C" NOT NULL DEFAULT 'it''s',
    born date,
    boss uuid REFERENCES "People" ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    mail short_mail,
    big text,
    UNIQUE ("first name", born) INCLUDE (boss)
) WITH (fillfactor = 80, autovacuum_enabled = off);
ALTER TABLE "People" ALTER COLUMN big SET STORAGE EXTERNAL;

CREATE TABLE shop.orders (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 5) PRIMARY KEY,
    number int DEFAULT nextval('shop.numbers'),
    state shop.state NOT NULL DEFAULT 'open',
    total numeric(10, 2) CHECK (total >= 0),
    twice numeric GENERATED ALWAYS AS (total * 2) STORED,
    next int DEFAULT next_number(4),
    buyer uuid REFERENCES "People",
    mail mail_address,
    tags text[] DEFAULT NULL,
    at timestamptz(3),
    during tstzrange,
    place shop.pair,
    blob bytea,
    search tsvector,
    CONSTRAINT orders_number_key UNIQUE NULLS NOT DISTINCT (number, buyer),
    EXCLUDE USING gist (during WITH &&)
);
CREATE UNIQUE INDEX one_open ON shop.orders (buyer) WHERE state = 'open';
CREATE UNIQUE INDEX orders_mail_key ON shop.orders (lower(mail) COLLATE "C" text_pattern_ops DESC);
CREATE INDEX by_tags ON shop.orders USING gin (tags) WITH (fastupdate = off);
CREATE INDEX ON shop.orders (at DESC NULLS LAST) INCLUDE (total);
CREATE STATISTICS shop.related (dependencies) ON state, buyer FROM shop.orders;
ALTER TABLE shop.orders CLUSTER ON orders_pkey;
ALTER TABLE shop.orders REPLICA IDENTITY FULL;

CREATE UNLOGGED TABLE parent (id serial PRIMARY KEY, kind text);
CREATE TABLE child (more int) INHERITS (parent);
CREATE TABLE "no columns" ();

CREATE TABLE events (id int, at timestamptz NOT NULL, n int DEFAULT 1, who uuid, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE events_2024 PARTITION OF events (n DEFAULT 2, CHECK (n > 0))
    FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (id);
CREATE TABLE events_2024_1 PARTITION OF events_2024 FOR VALUES IN (1, 2) WITH (fillfactor = 70);
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE INDEX events_n ON events (n);
CREATE INDEX only_here ON events_rest (who);
ALTER TABLE events ADD FOREIGN KEY (who) REFERENCES "People";

CREATE FUNCTION orders_of(p "People") RETURNS SETOF shop.orders LANGUAGE sql STABLE
    BEGIN ATOMIC SELECT * FROM shop.orders WHERE buyer = p."Id"; END;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at = now(); RETURN NEW; END $$;
CREATE PROCEDURE clean(IN days int DEFAULT 3) LANGUAGE plpgsql AS $p$ BEGIN DELETE FROM events WHERE n = days; END $p$;
CREATE AGGREGATE shop.longest(text) (SFUNC = textcat, STYPE = text, INITCOND = '');
CREATE TRIGGER touched BEFORE UPDATE OF state ON shop.orders FOR EACH ROW WHEN (NEW.state <> 'open') EXECUTE FUNCTION touch();
CREATE TRIGGER asleep BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION touch();
CREATE CONSTRAINT TRIGGER checked AFTER INSERT ON "People" DEFERRABLE FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE shop.orders DISABLE TRIGGER touched;

CREATE VIEW z_first WITH (security_barrier = true) AS SELECT "Id", "first name" AS name FROM "People" WITH LOCAL CHECK OPTION;
CREATE VIEW a_second AS SELECT name, count(*) AS how_many FROM z_first JOIN shop.orders ON buyer = "Id" GROUP BY name;
CREATE MATERIALIZED VIEW totals AS SELECT * FROM a_second;
CREATE UNIQUE INDEX totals_name ON totals (name);
CREATE FUNCTION of_view() RETURNS SETOF a_second LANGUAGE sql AS 'SELECT * FROM a_second';
CREATE RULE no_deletes AS ON DELETE TO shop.orders DO INSTEAD NOTHING;

COMMENT ON TABLE shop.orders IS 'a \ backslash, a '' quote';
COMMENT ON COLUMN shop.orders.total IS 'in €';
COMMENT ON FUNCTION touch() IS 'sets at';
COMMENT ON CONSTRAINT orders_number_key ON shop.orders IS 'once';
COMMENT ON TRIGGER touched ON shop.orders IS 'sleeps';
COMMENT ON INDEX shop.by_tags IS 'for search';
COMMENT ON TYPE shop.state IS 'of an order';
COMMENT ON MATERIALIZED VIEW totals IS 'sums';
COMMENT ON COLUMN totals.name IS 'who';
