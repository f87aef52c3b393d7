CREATE TABLE pages (id integer PRIMARY KEY, url text NOT NULL);
CREATE UNIQUE INDEX pages_url ON pages (url) WHERE id < 3;
