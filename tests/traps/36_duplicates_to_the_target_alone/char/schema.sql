CREATE TABLE users (id integer PRIMARY KEY, name char(10) UNIQUE);
