CREATE TABLE people (id integer PRIMARY KEY, region text);
