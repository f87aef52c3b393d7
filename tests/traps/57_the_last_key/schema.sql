CREATE TABLE things (n integer PRIMARY KEY, id text NOT NULL);
CREATE TABLE pair (n integer PRIMARY KEY, id text NOT NULL);
CREATE TABLE alone (n integer PRIMARY KEY, id text NOT NULL);
