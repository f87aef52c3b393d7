CREATE TABLE log (id integer PRIMARY KEY, line text);
CREATE TABLE clustered (id integer PRIMARY KEY);
CREATE TABLE weather (id integer PRIMARY KEY, at timestamptz, place text, t double precision);
CREATE TABLE people (id integer PRIMARY KEY, age integer);
CREATE TABLE photos (id integer PRIMARY KEY, name text, length integer);
CREATE TABLE photo_bytes (photo_id integer REFERENCES photos (id), n integer, data bytea, PRIMARY KEY (photo_id, n));
CREATE TABLE lonely (id integer PRIMARY KEY);
