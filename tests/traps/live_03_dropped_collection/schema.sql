CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE others (id int PRIMARY KEY, name text NOT NULL);
