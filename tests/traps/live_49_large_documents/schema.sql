CREATE TABLE items (id int PRIMARY KEY, size int NOT NULL, body text NOT NULL);
