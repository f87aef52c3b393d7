CREATE TABLE items (id int NOT NULL, name text NOT NULL);
INSERT INTO items VALUES (1, 'a'), (2, 'b');
