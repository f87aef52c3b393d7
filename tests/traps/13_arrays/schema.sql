CREATE TABLE posts (id integer PRIMARY KEY, tags text[], tags_json jsonb, grid jsonb);
CREATE TABLE tags (post_id integer NOT NULL REFERENCES posts (id), n integer NOT NULL, tag text, PRIMARY KEY (post_id, n));
CREATE TABLE cells (post_id integer NOT NULL, y integer NOT NULL, x integer NOT NULL, value integer, PRIMARY KEY (post_id, y, x));
