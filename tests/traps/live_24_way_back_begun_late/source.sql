CREATE TABLE items (id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO items SELECT i, 'old' FROM generate_series(1, 20) AS i;
