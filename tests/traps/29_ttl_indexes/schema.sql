CREATE TABLE tokens (id integer PRIMARY KEY, expires jsonb, seen timestamptz);
CREATE TABLE other (id integer PRIMARY KEY);
