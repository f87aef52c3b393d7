CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO items SELECT n, 'n' || n FROM generate_series(1, 50) AS n;
