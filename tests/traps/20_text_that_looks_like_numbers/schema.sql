CREATE TABLE people (id integer PRIMARY KEY, code text, n bigint, d numeric, f double precision, j jsonb);
