CREATE TABLE customers (id uuid PRIMARY KEY, name text, key jsonb);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id uuid REFERENCES customers (id), customer_name text, key jsonb);
