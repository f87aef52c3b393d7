CREATE TABLE events (id integer PRIMARY KEY, at timestamptz, plain timestamp, day date);
