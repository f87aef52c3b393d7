CREATE TABLE customers (id integer PRIMARY KEY, age integer NOT NULL);
CREATE TABLE orders (
    id integer PRIMARY KEY,
    customer integer NOT NULL REFERENCES customers (id),
    note text NOT NULL,
    code text UNIQUE
);
CREATE INDEX orders_customer ON orders (customer);
