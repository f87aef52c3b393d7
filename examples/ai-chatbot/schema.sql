-- The new application's database: Supabase's PostgreSQL, with the tables that its Drizzle models describe.

CREATE TYPE message_role AS ENUM ('user', 'assistant', 'system', 'tool');

CREATE TABLE users (
    id         uuid PRIMARY KEY,
    email      text NOT NULL,
    name       text NOT NULL,
    avatar_url text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

CREATE TABLE agents (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    legacy_id       integer UNIQUE,
    owner_id        uuid REFERENCES users (id) ON DELETE SET NULL,
    name            text NOT NULL,
    instructions    text NOT NULL,
    model           text NOT NULL DEFAULT 'gpt-4o-mini',
    settings        jsonb NOT NULL DEFAULT '{}',
    available_until timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE chats (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    agent_id   uuid REFERENCES agents (id) ON DELETE SET NULL,
    title      varchar(200) NOT NULL,
    visibility text NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'public')),
    archived   boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX chats_user_id_idx ON chats (user_id);

CREATE TABLE messages (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    chat_id    uuid NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    role       message_role NOT NULL,
    parts      jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX messages_chat_id_idx ON messages (chat_id, created_at);

CREATE TABLE media (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    message_id uuid REFERENCES messages (id) ON DELETE SET NULL,
    name       text NOT NULL,
    mime_type  text NOT NULL DEFAULT 'application/octet-stream',
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    url        text NOT NULL,
    sha256     text,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, sha256)
);

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE chats ENABLE ROW LEVEL SECURITY;
CREATE POLICY users_own ON users
    USING (id = (current_setting('request.jwt.claims', true)::json ->> 'sub')::uuid);
CREATE POLICY chats_own ON chats
    USING (user_id = (current_setting('request.jwt.claims', true)::json ->> 'sub')::uuid);
