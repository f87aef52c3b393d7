CREATE TABLE things (id integer PRIMARY KEY, üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü integer, üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü integer);
