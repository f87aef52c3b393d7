CREATE TABLE lists (id integer PRIMARY KEY);
CREATE TABLE items (list_id integer, position integer, at integer, PRIMARY KEY (list_id, position));
CREATE TABLE parts (list_id integer, item integer, position integer, name text, PRIMARY KEY (list_id, item, position));
