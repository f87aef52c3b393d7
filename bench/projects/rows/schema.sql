-- Scribe Tree's table, with its primary key alone: whoever is measured loads the same rows into the same table.
CREATE TABLE writing_sessions (
    id UUID PRIMARY KEY,
    document_id UUID,
    user_id UUID,
    start_time TIMESTAMPTZ NOT NULL,
    end_time TIMESTAMPTZ,
    duration INTEGER,
    activity JSONB,
    snapshots JSONB,
    productivity JSONB,
    created_at TIMESTAMPTZ
);
