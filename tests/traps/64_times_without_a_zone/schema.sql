CREATE TABLE events (id integer PRIMARY KEY, at timestamptz, local timestamp, day date);
