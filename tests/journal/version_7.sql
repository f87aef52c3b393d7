-- The journal's tables as version 7 made them. Never to be changed.

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

CREATE TABLE IF NOT EXISTS {crossfade}step (
    id      TEXT PRIMARY KEY,
    sql     TEXT NOT NULL,
    number  BIGINT NOT NULL,
    done_at TEXT NOT NULL
);

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

CREATE TABLE IF NOT EXISTS {crossfade}run (
    id         INTEGER PRIMARY KEY,
    token      TEXT NOT NULL,
    started_at TEXT NOT NULL
);

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
    digest            TEXT NOT NULL DEFAULT '',
    row_key           TEXT
);

CREATE INDEX IF NOT EXISTS {crossfade_index}quarantine_entity ON {crossfade}quarantine (entity, state);

CREATE INDEX IF NOT EXISTS {crossfade_index}quarantine_order ON {crossfade}quarantine (entity, reason, id);

CREATE INDEX IF NOT EXISTS {crossfade_index}quarantine_key ON {crossfade}quarantine (entity, record_key);

CREATE TABLE IF NOT EXISTS {crossfade}ledger (
    target_table TEXT NOT NULL,
    row_key      TEXT NOT NULL,
    entity       TEXT NOT NULL,
    record_key   TEXT NOT NULL,
    PRIMARY KEY (target_table, row_key)
);

CREATE INDEX IF NOT EXISTS {crossfade_index}ledger_record ON {crossfade}ledger (entity, record_key);

CREATE TABLE IF NOT EXISTS {crossfade}agreed (
    kind   TEXT NOT NULL,
    name   TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);

CREATE TABLE IF NOT EXISTS {crossfade}again (
    entity TEXT PRIMARY KEY
);

CREATE TABLE IF NOT EXISTS {crossfade}expected (
    id          INTEGER PRIMARY KEY,
    description TEXT NOT NULL,
    noted_at    TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS {crossfade}there_before (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);

CREATE TABLE IF NOT EXISTS {crossfade}loaded (
    id         TEXT PRIMARY KEY,
    table_name TEXT NOT NULL,
    gone       INTEGER NOT NULL,
    mark       BYTEA
);

CREATE TABLE IF NOT EXISTS {crossfade}clearing (
    id      INTEGER PRIMARY KEY,
    place   BIGINT NOT NULL,
    parents TEXT NOT NULL,
    changed TEXT NOT NULL,
    doomed  BYTEA
);
CREATE TABLE IF NOT EXISTS {crossfade}dirty (
    entity            TEXT NOT NULL,
    record_key        TEXT NOT NULL,
    number            TEXT NOT NULL,
    PRIMARY KEY (entity, record_key)
);
CREATE TABLE IF NOT EXISTS {crossfade}waiting (
    id                TEXT NOT NULL,
    value             TEXT NOT NULL,
    PRIMARY KEY (id, value)
);
CREATE INDEX IF NOT EXISTS {crossfade_index}waiting_value ON {crossfade}waiting (value);
