CREATE TABLE places (id integer PRIMARY KEY, name text, place jsonb, tags text[]);
