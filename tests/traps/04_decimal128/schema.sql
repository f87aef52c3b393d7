CREATE TABLE amounts (id integer PRIMARY KEY, v numeric, v2 numeric(10, 2), f double precision, t text, j jsonb);
