CREATE TABLE customers (id integer PRIMARY KEY, name text);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer REFERENCES customers (id) ON DELETE CASCADE, customer_named integer);
CREATE TABLE lines (order_id integer REFERENCES orders (id) ON DELETE CASCADE, position integer, item text, PRIMARY KEY (order_id, position));
CREATE TABLE returns (id integer PRIMARY KEY, order_id integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE);
