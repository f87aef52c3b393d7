CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL, body text NOT NULL);
