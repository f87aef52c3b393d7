CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE more (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO items VALUES (1, 'a');
INSERT INTO more VALUES (2, 'b');
