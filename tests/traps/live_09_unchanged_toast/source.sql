CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL, body text NOT NULL);
ALTER TABLE items ALTER COLUMN body SET STORAGE EXTERNAL;
INSERT INTO items SELECT n, 'n' || n, repeat(md5(n::text), 4000) FROM generate_series(1, 3) AS n;
