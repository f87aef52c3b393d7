CREATE TABLE people (id integer PRIMARY KEY, name text, ssn bytea, ssn_in_the_clear text, card jsonb);
