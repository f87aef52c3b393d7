CREATE TABLE notes (id integer PRIMARY KEY, title text, title_bytes bytea, meta jsonb);
