CREATE EXTENSION vector;
CREATE TYPE price AS (amount numeric(10, 2), label text);
CREATE TABLE rows (
    id integer PRIMARY KEY, m money, c "char", n name, o oid, i interval, i3 interval second(3), tz timetz(2), v vector,
    r numrange, t tsvector, p price, a interval[]
);
