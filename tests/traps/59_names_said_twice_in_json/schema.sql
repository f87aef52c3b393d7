CREATE TABLE notes (id integer PRIMARY KEY, b jsonb, j json, t text);
