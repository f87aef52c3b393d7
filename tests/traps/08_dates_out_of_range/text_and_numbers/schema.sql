CREATE TABLE events (id integer PRIMARY KEY, at timestamptz, made timestamptz, seen timestamptz);
