CREATE TABLE points (id integer PRIMARY KEY, f double precision, x numeric, at timestamptz, j jsonb);
