CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL);
ALTER TABLE items ADD COLUMN color text;
CREATE TABLE others (id int PRIMARY KEY, name text NOT NULL);
