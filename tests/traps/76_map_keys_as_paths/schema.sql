CREATE TABLE accounts (id integer PRIMARY KEY, usage jsonb, rest jsonb);
