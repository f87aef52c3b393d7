CREATE TABLE parents (id int PRIMARY KEY, code text NOT NULL);
CREATE TABLE children (id int PRIMARY KEY, parent int NOT NULL);
INSERT INTO parents VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd');
INSERT INTO children VALUES (10, 1), (20, 2), (30, 3), (40, 4);
