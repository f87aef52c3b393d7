CREATE TABLE people (id integer PRIMARY KEY, "userId" text, userid text, "UserID" text);
