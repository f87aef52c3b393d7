CREATE TABLE parents (id int PRIMARY KEY, code text NOT NULL UNIQUE);
CREATE TABLE children (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES parents (id) ON DELETE CASCADE);
