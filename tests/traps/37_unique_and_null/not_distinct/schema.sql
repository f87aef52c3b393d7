CREATE TABLE users (id integer PRIMARY KEY, email text, shop integer, UNIQUE NULLS NOT DISTINCT (shop, email));
