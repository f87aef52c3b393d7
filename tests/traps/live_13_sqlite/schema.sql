CREATE TABLE items (id bigint PRIMARY KEY, n bigint, note text);
