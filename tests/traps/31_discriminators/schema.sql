CREATE TABLE dogs (id integer PRIMARY KEY, name text NOT NULL, barks boolean);
CREATE TABLE cats (id integer PRIMARY KEY, name text NOT NULL, lives integer, barks boolean);
CREATE TABLE pets (id integer PRIMARY KEY, kind text CHECK (kind IN ('Dog', 'Cat', 'Bird')), name text NOT NULL, lives integer, barks boolean);
