-- The journal's tables as version 9 made them. Never to be changed.

CREATE TABLE IF NOT EXISTS {crossfade}move (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    source TEXT NOT NULL,
    lock_digest TEXT NOT NULL,
    schema_digest TEXT NOT NULL,
    mapping_digest TEXT NOT NULL,
    stage TEXT NOT NULL,
    kept_schema TEXT,
    identity TEXT,
    started_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE IF NOT EXISTS {crossfade}step (
    id TEXT NOT NULL,
    sql TEXT NOT NULL,
    number BIGINT NOT NULL,
    done_at TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS {crossfade}chunk (
    entity TEXT NOT NULL,
    number BIGINT NOT NULL,
    lower_key TEXT,
    upper_key TEXT,
    planned BIGINT NOT NULL,
    source BIGINT,
    copied BIGINT,
    quarantined BIGINT,
    discarded BIGINT,
    row_counts TEXT,
    seconds DOUBLE PRECISION,
    done_at TEXT,
    gone BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (entity, number)
);

CREATE TABLE IF NOT EXISTS {crossfade}run (
    id INTEGER NOT NULL,
    token TEXT NOT NULL,
    started_at TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS {crossfade}quarantine (
    id TEXT NOT NULL,
    entity TEXT NOT NULL,
    chunk BIGINT NOT NULL,
    record_key TEXT,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    target_table TEXT,
    target_column TEXT,
    target_constraint TEXT,
    parent TEXT,
    waits_for TEXT,
    cause TEXT,
    phase TEXT NOT NULL,
    raw BYTEA NOT NULL,
    state TEXT NOT NULL,
    note TEXT,
    noted_at TEXT NOT NULL,
    digest TEXT NOT NULL DEFAULT '',
    row_key TEXT,
    PRIMARY KEY (id)
);

CREATE INDEX IF NOT EXISTS {crossfade_index}quarantine_entity ON {crossfade}quarantine (entity, state);

CREATE INDEX IF NOT EXISTS {crossfade_index}quarantine_order ON {crossfade}quarantine (entity, reason, id);

CREATE INDEX IF NOT EXISTS {crossfade_index}quarantine_key ON {crossfade}quarantine (entity, record_key);

CREATE TABLE IF NOT EXISTS {crossfade}ledger (
    target_table TEXT NOT NULL,
    row_key TEXT NOT NULL,
    entity TEXT NOT NULL,
    record_key TEXT NOT NULL,
    PRIMARY KEY (target_table, row_key)
);

CREATE INDEX IF NOT EXISTS {crossfade_index}ledger_record ON {crossfade}ledger (entity, record_key);

CREATE TABLE IF NOT EXISTS {crossfade}agreed (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);

CREATE TABLE IF NOT EXISTS {crossfade}again (
    entity TEXT NOT NULL,
    PRIMARY KEY (entity)
);

CREATE TABLE IF NOT EXISTS {crossfade}expected (
    id INTEGER NOT NULL,
    description TEXT NOT NULL,
    noted_at TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS {crossfade}there_before (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);

CREATE TABLE IF NOT EXISTS {crossfade}loaded (
    id TEXT NOT NULL,
    table_name TEXT NOT NULL,
    gone INTEGER NOT NULL,
    mark BYTEA,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS {crossfade}clearing (
    id INTEGER NOT NULL,
    place BIGINT NOT NULL,
    parents TEXT NOT NULL,
    changed TEXT NOT NULL,
    doomed BYTEA,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS {crossfade}dirty (
    entity TEXT NOT NULL,
    record_key TEXT NOT NULL,
    number TEXT NOT NULL,
    PRIMARY KEY (entity, record_key)
);

CREATE INDEX IF NOT EXISTS {crossfade_index}dirty_number ON {crossfade}dirty (number);

CREATE TABLE IF NOT EXISTS {crossfade}waiting (
    id TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (id, value)
);

CREATE INDEX IF NOT EXISTS {crossfade_index}waiting_value ON {crossfade}waiting (value);

CREATE TABLE IF NOT EXISTS {crossfade}feed (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    position TEXT NOT NULL,
    position_at TEXT,
    floor TEXT NOT NULL,
    state TEXT NOT NULL,
    cause TEXT,
    stop_wanted INTEGER NOT NULL DEFAULT 0,
    seen_at TEXT,
    lag_ms BIGINT,
    heartbeat_at TEXT,
    backlog BIGINT,
    started_at TEXT NOT NULL,
    throttled TEXT,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS {crossfade}halted (
    entity TEXT NOT NULL,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    noted_at TEXT NOT NULL,
    PRIMARY KEY (entity)
);

CREATE TABLE IF NOT EXISTS {crossfade}changed (
    entity TEXT NOT NULL,
    record_key TEXT NOT NULL,
    number TEXT NOT NULL,
    PRIMARY KEY (entity, record_key)
);

CREATE INDEX IF NOT EXISTS {crossfade_index}changed_number ON {crossfade}changed (number);

CREATE TABLE IF NOT EXISTS {crossfade}used (
    entity TEXT NOT NULL,
    path TEXT NOT NULL,
    record_key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (entity, path, record_key, value)
);

CREATE TABLE IF NOT EXISTS {crossfade}suspect (
    entity TEXT NOT NULL,
    record_key TEXT NOT NULL,
    mark TEXT NOT NULL,
    PRIMARY KEY (entity, record_key)
);

CREATE TABLE IF NOT EXISTS {crossfade}verified (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    position TEXT NOT NULL,
    position_at TEXT,
    began_at TEXT NOT NULL,
    ended_at TEXT NOT NULL,
    verdict TEXT NOT NULL,
    compared BIGINT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS {crossfade}cutover (
    id INTEGER NOT NULL,
    stage TEXT NOT NULL,
    token BIGINT NOT NULL,
    until TEXT NOT NULL,
    plan TEXT NOT NULL,
    marker TEXT,
    cause TEXT,
    changed_at TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS {crossfade}cutover_step (
    token BIGINT NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    began_at TEXT NOT NULL,
    ended_at TEXT,
    seconds DOUBLE PRECISION,
    outcome TEXT,
    PRIMARY KEY (token, number)
);
