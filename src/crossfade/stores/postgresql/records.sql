-- name: schema
-- without IF NOT EXISTS, which requires the right to create a schema even if it exists
DO $$ BEGIN
    IF pg_catalog.to_regnamespace('crossfade') IS NULL THEN CREATE SCHEMA crossfade; END IF;
END $$;

-- name: table
CREATE TABLE IF NOT EXISTS crossfade.back (slot text PRIMARY KEY, number bigint NOT NULL, writes bigint NOT NULL);

-- name: first
INSERT INTO crossfade.back VALUES ({slot}, 0, 0) ON CONFLICT DO NOTHING;

-- name: end_older
-- end transactions of older runs, which would lock the row until they end
SELECT pg_catalog.pg_terminate_backend(a.pid, 5000) FROM pg_catalog.pg_stat_activity a
WHERE a.datname = pg_catalog.current_database() AND a.application_name ~ {name}
  AND pg_catalog.regexp_replace(a.application_name, '^.*-', '')::bigint < {number};

-- name: take_over
UPDATE crossfade.back SET number = {number} WHERE slot = {slot} AND number <= {number} RETURNING number;

-- name: mine
-- the first statement of each transaction: the row is locked until it ends
UPDATE crossfade.back SET writes = writes + 1 WHERE slot = {slot} AND number = {number} RETURNING number;

-- name: exists
SELECT pg_catalog.to_regclass('crossfade.back') IS NOT NULL;

-- name: remove
DELETE FROM crossfade.back WHERE slot = {slot};

-- name: drop_empty
-- the lock keeps out another move, whose number would be dropped with the table; where there is one, none is taken
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM crossfade.back) THEN
        LOCK TABLE crossfade.back IN ACCESS EXCLUSIVE MODE;
        IF NOT EXISTS (SELECT FROM crossfade.back) THEN
            DROP TABLE crossfade.back;
        END IF;
    END IF;
END $$;

-- name: references
-- which of these tables refers to which
SELECT DISTINCT c.conrelid::text, c.confrelid::text FROM pg_catalog.pg_constraint c
WHERE c.contype = 'f' AND c.conrelid <> c.confrelid;

-- name: rights
SELECT pg_catalog.has_table_privilege({oid}::oid, 'INSERT') AND pg_catalog.has_table_privilege({oid}::oid, 'UPDATE')
       AND pg_catalog.has_table_privilege({oid}::oid, 'DELETE');
