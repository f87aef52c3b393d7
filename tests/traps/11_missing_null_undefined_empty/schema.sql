CREATE TABLE people (id integer PRIMARY KEY, nick text, has_nick boolean, required text NOT NULL DEFAULT 'nobody', j jsonb);
