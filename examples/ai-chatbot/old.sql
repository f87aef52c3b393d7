-- The old application's database: Express and Sequelize, a few years old. It checks little: most references are not
-- declared, e-mails are not unique, and the times of messages and uploads have no zone (the server wrote UTC).

CREATE TABLE users (
    id            uuid PRIMARY KEY,
    email         varchar(255),
    display_name  varchar(100),
    avatar_url    text,
    password_hash text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz
);
CREATE INDEX users_email_idx ON users (email);

CREATE TABLE agents (
    id              serial PRIMARY KEY,
    owner_id        uuid,
    name            varchar(120) NOT NULL,
    system_prompt   text,
    config          json,
    available_until timestamptz DEFAULT 'infinity',
    deleted_at      timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE conversations (
    id          uuid PRIMARY KEY,
    user_id     uuid NOT NULL,
    agent_id    integer,
    title       text,
    is_archived boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz
);

CREATE TABLE messages (
    id              bigserial PRIMARY KEY,
    conversation_id uuid NOT NULL,
    role            varchar(20) NOT NULL,
    content         text,
    parts           json,
    tokens          integer,
    sent_at         timestamp NOT NULL DEFAULT now()
);
CREATE INDEX messages_conversation_idx ON messages (conversation_id, sent_at);

CREATE TABLE media_assets (
    id          uuid PRIMARY KEY,
    user_id     uuid NOT NULL,
    message_id  bigint,
    file_name   text NOT NULL,
    mime_type   text,
    size_bytes  bigint,
    url         text NOT NULL,
    sha256      text,
    uploaded_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE sessions (
    token      text PRIMARY KEY,
    user_id    uuid NOT NULL,
    expires_at timestamptz NOT NULL
);
