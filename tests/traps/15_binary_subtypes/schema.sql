CREATE TABLE files (id integer PRIMARY KEY, data bytea, subtype text, j jsonb, u uuid);
