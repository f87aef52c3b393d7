CREATE FUNCTION picky(n integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF n = 13 THEN RAISE EXCEPTION 'no thirteen here' USING ERRCODE = 'ZZ013'; END IF;
    IF n = 14 THEN RAISE EXCEPTION 'not for you' USING ERRCODE = '42501'; END IF;
    IF n = 17 THEN RAISE EXCEPTION 'called off' USING ERRCODE = '57014'; END IF;
    IF n = 18 THEN RAISE EXCEPTION 'no line' USING ERRCODE = '08006'; END IF;
    IF n = 19 THEN RAISE EXCEPTION 'not ready' USING ERRCODE = '55000'; END IF;
    IF n = 20 THEN RAISE EXCEPTION 'invalid geometry' USING ERRCODE = 'XX000'; END IF;
    IF n = 15 THEN PERFORM * FROM nowhere; END IF;
    RETURN true;
END $$;
CREATE FUNCTION doubled(n integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    IF n = 16 THEN RAISE EXCEPTION 'nothing to double' USING ERRCODE = '0A000'; END IF;
    RETURN 2 * n;
END $$;
CREATE DOMAIN odd AS text CHECK (VALUE IS NULL OR VALUE <> 'even' OR picky(13));
CREATE TABLE rows (
    id integer PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, n integer CHECK (picky(n)), twice integer GENERATED ALWAYS AS (doubled(n)) STORED,
    o odd, path jsonpath, words tsquery, what regclass, kind regtype
);
