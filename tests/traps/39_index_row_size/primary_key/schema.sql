CREATE TABLE pages (id integer, url text PRIMARY KEY);
