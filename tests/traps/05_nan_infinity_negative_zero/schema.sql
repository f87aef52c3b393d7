CREATE TABLE readings (id integer PRIMARY KEY, f double precision, r real, n numeric, n2 numeric(10, 2), i bigint, j jsonb);
