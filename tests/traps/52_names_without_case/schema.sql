CREATE TABLE people (id integer PRIMARY KEY, camel text, lower text, upper_a integer, lower_a integer, name text, j jsonb);
