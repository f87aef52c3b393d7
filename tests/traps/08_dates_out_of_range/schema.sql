CREATE TABLE events (id integer PRIMARY KEY, at timestamptz, ms bigint, day date);
