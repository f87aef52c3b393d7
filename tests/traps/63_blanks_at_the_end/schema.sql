CREATE TABLE codes (id integer PRIMARY KEY, fixed char(4), varying varchar(6), free text);
