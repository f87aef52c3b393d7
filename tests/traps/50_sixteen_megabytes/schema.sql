CREATE TABLE files (id integer PRIMARY KEY, body text NOT NULL, kind text NOT NULL);
