CREATE TABLE things (id integer PRIMARY KEY, a integer, b integer);
