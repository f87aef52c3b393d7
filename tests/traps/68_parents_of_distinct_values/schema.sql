CREATE TABLE cities (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (id integer PRIMARY KEY, city_id uuid REFERENCES cities (id));
