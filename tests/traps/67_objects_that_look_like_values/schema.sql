CREATE TABLE things (id uuid PRIMARY KEY, n integer, v jsonb, plain jsonb, rest jsonb);
