CREATE TABLE events (id integer PRIMARY KEY, at timestamptz NOT NULL, local timestamp NOT NULL);
