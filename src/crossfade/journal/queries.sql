-- create_move --
-- What is being moved and under which agreement; one row.
CREATE TABLE IF NOT EXISTS {crossfade}move (
    name           TEXT PRIMARY KEY,
    version        INTEGER NOT NULL,
    source         TEXT NOT NULL,
    lock_digest    TEXT NOT NULL,
    schema_digest  TEXT NOT NULL,
    mapping_digest TEXT NOT NULL,
    stage          TEXT NOT NULL,
    kept_schema    TEXT,
    identity       TEXT,
    started_at     TEXT NOT NULL,
    changed_at     TEXT NOT NULL
);

-- create_step --
-- DDL statements that were done, each once, by id.
CREATE TABLE IF NOT EXISTS {crossfade}step (
    id      TEXT PRIMARY KEY,
    sql     TEXT NOT NULL,
    number  BIGINT NOT NULL,
    done_at TEXT NOT NULL
);

-- create_chunk --
-- The plan of the copy; a chunk's counts are written in the transaction that writes its rows.
CREATE TABLE IF NOT EXISTS {crossfade}chunk (
    entity      TEXT NOT NULL,
    number      BIGINT NOT NULL,
    lower_key   TEXT,
    upper_key   TEXT,
    planned     BIGINT NOT NULL,
    source      BIGINT,
    copied      BIGINT,
    quarantined BIGINT,
    discarded   BIGINT,
    row_counts  TEXT,
    seconds     DOUBLE PRECISION,
    done_at     TEXT,
    gone        BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (entity, number)
);

-- create_run --
-- The run that may write; one row.
CREATE TABLE IF NOT EXISTS {crossfade}run (
    id         INTEGER PRIMARY KEY,
    token      TEXT NOT NULL,
    started_at TEXT NOT NULL
);

-- create_quarantine --
-- Whole source records that could not go on, with the reason; resolved ones stay, with what became of them.
CREATE TABLE IF NOT EXISTS {crossfade}quarantine (
    id                TEXT PRIMARY KEY,
    entity            TEXT NOT NULL,
    chunk             BIGINT NOT NULL,
    record_key        TEXT,
    reason            TEXT NOT NULL,
    detail            TEXT NOT NULL,
    target_table      TEXT,
    target_column     TEXT,
    target_constraint TEXT,
    parent            TEXT,
    waits_for         TEXT,
    cause             TEXT,
    phase             TEXT NOT NULL,
    raw               BYTEA NOT NULL,
    state             TEXT NOT NULL,
    note              TEXT,
    noted_at          TEXT NOT NULL,
    digest            TEXT NOT NULL DEFAULT ''
);

-- create_quarantine_index --
-- Verification and retry ask by entity and state.
CREATE INDEX IF NOT EXISTS {crossfade_index}quarantine_entity ON {crossfade}quarantine (entity, state);

-- create_quarantine_order_index --
-- Entries are listed in this order, a page at a time.
CREATE INDEX IF NOT EXISTS {crossfade_index}quarantine_order ON {crossfade}quarantine (entity, reason, id);

-- create_quarantine_key_index --
-- A record is looked for by its key.
CREATE INDEX IF NOT EXISTS {crossfade_index}quarantine_key ON {crossfade}quarantine (entity, record_key);

-- create_ledger --
-- Which record made a row, in tables whose columns do not say it.
CREATE TABLE IF NOT EXISTS {crossfade}ledger (
    target_table TEXT NOT NULL,
    row_key      TEXT NOT NULL,
    entity       TEXT NOT NULL,
    record_key   TEXT NOT NULL,
    PRIMARY KEY (target_table, row_key)
);

-- create_ledger_index --
-- The rows of a record are looked for by its key.
CREATE INDEX IF NOT EXISTS {crossfade_index}ledger_record ON {crossfade}ledger (entity, record_key);

-- create_agreed --
-- By which mapping a table was copied, and by which shape an entity.
CREATE TABLE IF NOT EXISTS {crossfade}agreed (
    kind   TEXT NOT NULL,
    name   TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);

-- create_again --
-- The entities that are being copied again, while the others stay as they are.
CREATE TABLE IF NOT EXISTS {crossfade}again (
    entity TEXT PRIMARY KEY
);

-- add_agreed --
-- It was copied, perhaps not for the first time.
INSERT INTO {crossfade}agreed (kind, name, digest) VALUES (:kind, :name, :digest)
ON CONFLICT (kind, name) DO UPDATE SET digest = excluded.digest;

-- find_agreed --
-- All of it.
SELECT kind, name, digest FROM {crossfade}agreed;

-- add_again --
-- An entity is copied again.
INSERT INTO {crossfade}again (entity) VALUES (:entity) ON CONFLICT (entity) DO NOTHING;

-- find_again --
-- Those that are.
SELECT entity FROM {crossfade}again;

-- end_again --
-- They are copied.
DELETE FROM {crossfade}again;

-- forget_chunks_of --
-- An entity is copied again.
DELETE FROM {crossfade}chunk WHERE entity = :entity;

-- forget_quarantine_of --
-- An entity is copied again.
DELETE FROM {crossfade}quarantine WHERE entity = :entity;

-- forget_ledger_of --
-- An entity is copied again.
DELETE FROM {crossfade}ledger WHERE entity = :entity;

-- forget_loaded_of --
-- A table was emptied.
DELETE FROM {crossfade}loaded WHERE table_name = :table;

-- forget_step --
-- What it made was taken away.
DELETE FROM {crossfade}step WHERE id = :id;

-- find_ledger_keys --
-- The records of an entity that the ledger knows.
SELECT DISTINCT record_key FROM {crossfade}ledger WHERE entity = :entity;

-- forget_ledger --
-- The copy starts over.
DELETE FROM {crossfade}ledger;

-- create_expected --
-- What the target's catalogue is to say when the schema is made; one row.
CREATE TABLE IF NOT EXISTS {crossfade}expected (
    id          INTEGER PRIMARY KEY,
    description TEXT NOT NULL,
    noted_at    TEXT NOT NULL
);

-- create_there_before --
-- What was in the target before the move began, and stays when it is reset.
CREATE TABLE IF NOT EXISTS {crossfade}there_before (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);

-- add_there_before --
-- A schema, an extension or a function.
INSERT INTO {crossfade}there_before (kind, name) VALUES (:kind, :name) ON CONFLICT (kind, name) DO NOTHING;

-- find_there_before --
-- All of it.
SELECT kind, name FROM {crossfade}there_before;

-- find_steps_done --
-- The steps with their statements, in the order in which they were done.
SELECT id, sql FROM {crossfade}step ORDER BY number;

-- create_loaded --
-- What the move wrote (`gone`: deleted again), noted in the savepoint that wrote it; `mark` is the store's (TargetTransaction.mark).
CREATE TABLE IF NOT EXISTS {crossfade}loaded (
    id         TEXT PRIMARY KEY,
    table_name TEXT NOT NULL,
    gone       INTEGER NOT NULL,
    mark       BYTEA
);

-- add_loaded --
-- Rows of one table, loaded or deleted.
INSERT INTO {crossfade}loaded (id, table_name, gone, mark) VALUES (:id, :table, :gone, :mark);

-- forget_loaded --
-- The copy begins anew.
DELETE FROM {crossfade}loaded;

-- create_clearing --
-- How far the check of the constraints has come, and the rows that it found at fault last; one row, or none.
CREATE TABLE IF NOT EXISTS {crossfade}clearing (
    id      INTEGER PRIMARY KEY,
    place   BIGINT NOT NULL,
    parents TEXT NOT NULL,
    changed TEXT NOT NULL,
    doomed  BYTEA
);

-- add_expected --
-- Noted when the move begins.
INSERT INTO {crossfade}expected (id, description, noted_at) VALUES (1, :description, :now);

-- find_expected --
-- Nothing, where an older crossfade began the move.
SELECT description FROM {crossfade}expected;

-- find_clearing --
-- How far it has come.
SELECT place, parents, changed, doomed FROM {crossfade}clearing;

-- forget_clearing --
-- It is done, or comes to its next step.
DELETE FROM {crossfade}clearing;

-- add_clearing --
-- A step of it.
INSERT INTO {crossfade}clearing (id, place, parents, changed, doomed) VALUES (1, :place, :parents, :changed, :doomed);

-- take_over --
-- Waits for the transactions of the run that was here before.
INSERT INTO {crossfade}run (id, token, started_at) VALUES (1, :token, :now)
ON CONFLICT (id) DO UPDATE SET token = excluded.token, started_at = excluded.started_at;

-- take_part --
-- Nobody takes over before this transaction has ended.
SELECT token FROM {crossfade}run WHERE id = 1 {share};

-- find_move --
-- The move that this target belongs to.
SELECT name, version, source, lock_digest, schema_digest, mapping_digest, stage, started_at FROM {crossfade}move;

-- add_move --
-- Begins the move.
INSERT INTO {crossfade}move
    (name, version, source, lock_digest, schema_digest, mapping_digest, stage, kept_schema, started_at, changed_at)
VALUES (:name, :version, :source, :lock_digest, :schema_digest, :mapping_digest, :stage, :kept_schema, :now, :now);

-- find_identity --
-- What tells the source from another, noted when the copy began; NULL before that.
SELECT identity FROM {crossfade}move;

-- set_source --
-- The source that the copy reads from, and what tells it from another.
UPDATE {crossfade}move SET source = :source, identity = :identity, changed_at = :now;

-- set_stage --
-- Where the move stands.
UPDATE {crossfade}move SET stage = :stage, changed_at = :now;

-- set_digests --
-- A new agreement: after a mended mapping, a new survey.
UPDATE {crossfade}move SET lock_digest = :lock_digest, schema_digest = :schema_digest, mapping_digest = :mapping_digest,
       changed_at = :now;

-- lock_move --
-- Two runs at once plan one after the other.
UPDATE {crossfade}move SET changed_at = changed_at;

-- find_kept_schema --
-- The schema as it was read when the move began, where it could not be read again later, or not as easily.
SELECT kept_schema FROM {crossfade}move;

-- find_steps --
-- The ids of all steps done.
SELECT id FROM {crossfade}step;

-- add_step --
-- Notes a step, in the transaction that did it.
INSERT INTO {crossfade}step (id, sql, number, done_at)
SELECT :id, :sql, coalesce(max(number), 0) + 1, :now FROM {crossfade}step;

-- add_chunk --
-- One range of the plan.
INSERT INTO {crossfade}chunk (entity, number, lower_key, upper_key, planned)
VALUES (:entity, :number, :lower_key, :upper_key, :planned);

-- find_chunks --
-- All ranges, with their counts where done.
SELECT entity, number, lower_key, upper_key, planned, source, copied, quarantined, discarded, row_counts, seconds, done_at,
       gone
FROM {crossfade}chunk ORDER BY entity, number;

-- finish_chunk --
-- The counts of a chunk, with its rows or not at all.
UPDATE {crossfade}chunk
SET source = :source, copied = :copied, quarantined = :quarantined, discarded = :discarded, row_counts = :row_counts,
    seconds = :seconds, done_at = :now
WHERE entity = :entity AND number = :number AND done_at IS NULL;

-- claim_chunk --
-- Takes the lock on a chunk's record.
UPDATE {crossfade}chunk SET planned = planned WHERE entity = :entity AND number = :number AND done_at IS NULL;

-- chunk_is_done --
-- Another worker may have been quicker.
SELECT done_at FROM {crossfade}chunk WHERE entity = :entity AND number = :number;

-- open_account --
-- The account of an entity for what comes after its chunks.
INSERT INTO {crossfade}chunk
    (entity, number, planned, source, copied, quarantined, discarded, row_counts, seconds, done_at)
VALUES (:entity, :number, 0, 0, 0, 0, 0, '{}', 0, :now)
ON CONFLICT (entity, number) DO NOTHING;

-- find_row_counts --
-- The rows of an account.
SELECT row_counts FROM {crossfade}chunk WHERE entity = :entity AND number = :number;

-- set_row_counts --
-- The rows of an account, after some came or left.
UPDATE {crossfade}chunk SET row_counts = :row_counts WHERE entity = :entity AND number = :number;

-- shift_counts --
-- A record changes its account after its chunk was done.
UPDATE {crossfade}chunk
SET source = source - :gone, copied = copied + :copied, quarantined = quarantined + :quarantined,
    discarded = discarded + :discarded, gone = gone + :gone
WHERE entity = :entity AND number = :number;

-- add_quarantine --
-- A record goes to quarantine; the same one may have been there before, and come out again.
INSERT INTO {crossfade}quarantine
    (id, entity, chunk, record_key, reason, detail, target_table, target_column, target_constraint, phase, raw, digest,
     state, noted_at)
VALUES (:id, :entity, :chunk, :record_key, :reason, :detail, :target_table, :target_column, :target_constraint, :phase,
        :raw, :digest, 'open', :now)
ON CONFLICT (id) DO UPDATE
SET reason = excluded.reason, detail = excluded.detail, target_table = excluded.target_table,
    target_column = excluded.target_column, target_constraint = excluded.target_constraint, parent = NULL,
    waits_for = NULL, cause = NULL, chunk = excluded.chunk, phase = excluded.phase, raw = excluded.raw,
    digest = excluded.digest, state = 'open', note = NULL, noted_at = excluded.noted_at;

-- forget_entry --
-- A record was in quarantine only until it was decided who comes in.
DELETE FROM {crossfade}quarantine WHERE id = :id;

-- find_held --
-- Entries of an entity whose records are not in the target.
SELECT id, entity, chunk, record_key, reason, detail, target_table, target_column, phase, state, note, noted_at,
       target_constraint, parent, waits_for, cause
FROM {crossfade}quarantine WHERE entity = :entity AND state <> 'retried';

-- find_held_digests --
-- Records that share a key, or have none that can be read, and are not in the target.
SELECT digest FROM {crossfade}quarantine
WHERE entity = :entity AND state <> 'retried' AND (record_key = :key OR (record_key IS NULL AND digest = :digest));

-- find_quarantine --
-- Entries without their documents.
SELECT id, entity, chunk, record_key, reason, detail, target_table, target_column, phase, state, note, noted_at,
       target_constraint, parent, waits_for, cause
FROM {crossfade}quarantine ORDER BY entity, reason, record_key, id;

-- find_refused --
-- Open entries of these reasons and phase, without documents, with the length of each.
SELECT id, entity, record_key, digest, length(raw) FROM {crossfade}quarantine
WHERE state = 'open' AND (reason = :reason OR reason = :other) AND (CAST(:phase AS TEXT) IS NULL OR phase = :phase);

-- find_held_of --
-- Some entries without their documents, with the length of each.
SELECT id, entity, record_key, digest, length(raw) FROM {crossfade}quarantine
WHERE (CAST(:entity AS TEXT) IS NULL OR entity = :entity) AND (CAST(:reason AS TEXT) IS NULL OR reason = :reason)
  AND (CAST(:place AS TEXT) IS NULL OR target_table || '.' || target_column = :place OR target_column = :place
       OR target_table = :place)
  AND (CAST(:state AS TEXT) IS NULL OR state = :state);

-- find_raw --
-- The document of an entry.
SELECT raw FROM {crossfade}quarantine WHERE id = :id;

-- set_state --
-- An entry is resolved: retried, or discarded with a note.
UPDATE {crossfade}quarantine SET state = :state, note = :note, noted_at = :now WHERE id = :id AND state = 'open';

-- update_reason --
-- A retried record failed again, perhaps for another reason.
UPDATE {crossfade}quarantine
SET reason = :reason, detail = :detail, target_table = :target_table, target_column = :target_column,
    target_constraint = :target_constraint, parent = NULL, waits_for = NULL, cause = NULL, raw = :raw, digest = :digest,
    noted_at = :now
WHERE id = :id;

-- find_causes --
-- Entries by cause, each with the first few of them; `parent` is what has become of the record that one waits for.
WITH chosen AS (
    SELECT q.id, q.entity, q.chunk, q.record_key, q.reason, q.target_table, q.target_column, q.phase, q.state,
           q.target_constraint, coalesce(q.target_table || '.' || q.target_column, q.target_table, q.target_column, '') AS place,
           CASE WHEN p.state = 'retried' THEN 'present' WHEN p.state = 'discarded' THEN 'discarded' ELSE q.parent
           END AS parent_now
    FROM {crossfade}quarantine AS q LEFT JOIN {crossfade}quarantine AS p ON p.id = q.waits_for
), ranked AS (
    SELECT chosen.*, count(*) OVER cause AS records,
           row_number() OVER (cause ORDER BY coalesce(record_key, ''), id) AS number
    FROM chosen
    WHERE (CAST(:entity AS TEXT) IS NULL OR entity = :entity) AND (CAST(:reason AS TEXT) IS NULL OR reason = :reason)
      AND (CAST(:place AS TEXT) IS NULL OR place = :place OR target_column = :place OR target_table = :place)
      AND (CAST(:state AS TEXT) IS NULL OR state = :state)
    WINDOW cause AS (PARTITION BY entity, reason, target_table, target_column, target_constraint, parent_now)
)
SELECT r.records, r.parent_now,
       q.id, q.entity, q.chunk, q.record_key, q.reason, q.detail, q.target_table, q.target_column, q.phase, q.state,
       q.note, q.noted_at, q.target_constraint, q.parent, q.waits_for, q.cause
FROM ranked AS r JOIN {crossfade}quarantine AS q ON q.id = r.id WHERE r.number <= :examples
ORDER BY r.records DESC, r.entity, r.reason, r.place, r.target_constraint, r.parent_now, r.number;

-- find_page --
-- The entries that follow one, in the order of people.
SELECT id, entity, chunk, record_key, reason, detail, target_table, target_column, phase, state, note, noted_at,
       target_constraint, parent, waits_for, cause
FROM {crossfade}quarantine
WHERE (CAST(:entity AS TEXT) IS NULL OR entity = :entity) AND (CAST(:reason AS TEXT) IS NULL OR reason = :reason)
  AND (CAST(:place AS TEXT) IS NULL OR target_table || '.' || target_column = :place OR target_column = :place
       OR target_table = :place)
  AND (CAST(:state AS TEXT) IS NULL OR state = :state)
  AND (entity, reason, id) > (:after_entity, :after_reason, :after_id)
ORDER BY entity, reason, id LIMIT :size;

-- find_beginning --
-- Entries whose ids begin so; more than one says that it is not enough.
SELECT id, entity, chunk, record_key, reason, detail, target_table, target_column, phase, state, note, noted_at,
       target_constraint, parent, waits_for, cause
FROM {crossfade}quarantine WHERE substr(id, 1, :length) = :beginning ORDER BY id;

-- find_unexplained_kinds --
-- Which constraints have refused records that nobody has explained yet.
SELECT DISTINCT entity, reason, target_table, coalesce(target_constraint, '') FROM {crossfade}quarantine
WHERE state = 'open' AND cause IS NULL AND target_table IS NOT NULL AND reason IN ('foreign_key', 'unique', 'check')
ORDER BY 1, 2, 3, 4;

-- find_unexplained --
-- Some of them, with the size of their documents.
SELECT id, length(raw) FROM {crossfade}quarantine
WHERE state = 'open' AND cause IS NULL AND entity = :entity AND reason = :reason AND target_table = :table
  AND coalesce(target_constraint, '') = :constraint AND id > :after
ORDER BY id LIMIT 1000;

-- find_documents --
-- A stretch of them, with their documents.
SELECT raw, id, entity, chunk, record_key, reason, detail, target_table, target_column, phase, state, note, noted_at,
       target_constraint, parent, waits_for, cause
FROM {crossfade}quarantine
WHERE state = 'open' AND cause IS NULL AND entity = :entity AND reason = :reason AND target_table = :table
  AND coalesce(target_constraint, '') = :constraint AND id >= :first AND id <= :last
ORDER BY id;

-- find_held_keys --
-- The records of an entity that are not in the target, by key: some of them.
SELECT id, record_key, state, length(raw) FROM {crossfade}quarantine
WHERE entity = :entity AND state <> 'retried' AND id > :after ORDER BY id LIMIT 1000;

-- find_held_documents --
-- A stretch of them, with their documents.
SELECT id, record_key, state, raw FROM {crossfade}quarantine
WHERE entity = :entity AND state <> 'retried' AND id >= :first AND id <= :last ORDER BY id;

-- find_entry --
-- One entry.
SELECT id, entity, chunk, record_key, reason, detail, target_table, target_column, phase, state, note, noted_at,
       target_constraint, parent, waits_for, cause
FROM {crossfade}quarantine WHERE id = :id;

-- explain_entry --
-- What a refused record clashes with.
UPDATE {crossfade}quarantine
SET detail = :detail, target_column = coalesce(target_column, :column), parent = :parent, waits_for = :waits_for, cause = :cause
WHERE id = :id;

-- count_selected --
-- Some entries, counted by entity.
SELECT entity, count(*) FROM {crossfade}quarantine
WHERE (CAST(:entity AS TEXT) IS NULL OR entity = :entity) AND (CAST(:reason AS TEXT) IS NULL OR reason = :reason)
  AND (CAST(:place AS TEXT) IS NULL OR target_table || '.' || target_column = :place OR target_column = :place
       OR target_table = :place)
  AND (CAST(:state AS TEXT) IS NULL OR state = :state)
GROUP BY entity ORDER BY entity;

-- close_selected --
-- The same entries are resolved.
UPDATE {crossfade}quarantine SET state = :to, note = :note, noted_at = :now
WHERE (CAST(:entity AS TEXT) IS NULL OR entity = :entity) AND (CAST(:reason AS TEXT) IS NULL OR reason = :reason)
  AND (CAST(:place AS TEXT) IS NULL OR target_table || '.' || target_column = :place OR target_column = :place
       OR target_table = :place)
  AND (CAST(:state AS TEXT) IS NULL OR state = :state);

-- count_quarantine --
-- Open entries by entity and reason.
SELECT entity, reason, count(*) FROM {crossfade}quarantine WHERE state = 'open' GROUP BY entity, reason ORDER BY entity, reason;

-- forget_chunks --
-- The copy begins anew.
DELETE FROM {crossfade}chunk;

-- forget_quarantine --
-- The copy begins anew.
DELETE FROM {crossfade}quarantine;

-- find_sizes_of_all --
-- Entries whose records are not in the target, with the length of the document.
SELECT id, length(raw) FROM {crossfade}quarantine WHERE state <> 'retried' AND id > :after ORDER BY id LIMIT 1000;

-- find_raws_of_all --
-- The documents of some of them, which follow each other.
SELECT id, raw FROM {crossfade}quarantine WHERE state <> 'retried' AND id > :after AND id <= :last ORDER BY id;

-- find_remainders --
-- What of torn sources cannot be read: open entries that are no record.
SELECT entity, detail FROM {crossfade}quarantine WHERE state = 'open' AND reason = :reason ORDER BY entity, id;

-- count_discarded --
-- Records that a person discarded, by entity and reason.
SELECT entity, note, count(*) FROM {crossfade}quarantine
WHERE state = 'discarded' AND note IS NOT NULL GROUP BY entity, note ORDER BY entity, note;
