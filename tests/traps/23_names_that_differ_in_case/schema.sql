CREATE TABLE people (id integer PRIMARY KEY, a text, b text, c text, d text, e text, f text, plan text, j json);
