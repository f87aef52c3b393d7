CREATE TABLE users (id integer PRIMARY KEY, email text, active boolean);
CREATE UNIQUE INDEX one_active ON users (email) WHERE active;
CREATE TABLE mails (user_id integer REFERENCES users (id), position integer, mail text, PRIMARY KEY (user_id, position));
