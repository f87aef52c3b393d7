CREATE TABLE things (id integer PRIMARY KEY, j jsonb, t text, type text);
