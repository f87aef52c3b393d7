CREATE TABLE posts (id integer PRIMARY KEY, tag_count integer, has_tags boolean, tags text[], has_meta text, meta jsonb);
CREATE TABLE tags (post_id integer NOT NULL REFERENCES posts (id), n integer NOT NULL, tag text NOT NULL, PRIMARY KEY (post_id, n));
