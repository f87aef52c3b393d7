CREATE TABLE users (id integer PRIMARY KEY, email text UNIQUE, active boolean);
CREATE TABLE mails (user_id integer REFERENCES users (id), position integer, mail text, PRIMARY KEY (user_id, position));
