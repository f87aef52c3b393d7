CREATE TABLE users (id uuid PRIMARY KEY, legacy_id text NOT NULL UNIQUE, name text);
CREATE TABLE posts (id uuid PRIMARY KEY, legacy_id text NOT NULL UNIQUE, by_id uuid NOT NULL REFERENCES users (id));
