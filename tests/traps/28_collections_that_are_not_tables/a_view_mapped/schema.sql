CREATE TABLE adults (id integer PRIMARY KEY, age integer);
