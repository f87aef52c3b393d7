CREATE TABLE pages (id integer PRIMARY KEY, url text NOT NULL);
CREATE INDEX pages_url ON pages USING gin ((ARRAY[url]));
