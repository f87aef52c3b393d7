CREATE TABLE numbers (id integer PRIMARY KEY, n bigint, d double precision, x numeric, j jsonb, tags jsonb, o jsonb, rest jsonb);
