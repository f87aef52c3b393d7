CREATE TABLE people (id integer, region text, PRIMARY KEY (id, region));
