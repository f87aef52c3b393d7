CREATE TABLE items (id integer PRIMARY KEY, n integer NOT NULL);
