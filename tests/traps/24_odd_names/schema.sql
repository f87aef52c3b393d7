CREATE TABLE odd (id integer PRIMARY KEY, price integer, a_b integer, ab integer, a_empty integer, zero integer, blank integer, quoted integer, empty integer, brackets integer, hash integer, j json);
