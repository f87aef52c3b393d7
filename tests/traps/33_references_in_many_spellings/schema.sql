CREATE TABLE customers (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE shops (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (
    id             integer PRIMARY KEY,
    customer_id    uuid REFERENCES customers (id),
    owner_type     text CHECK (owner_type IN ('Customer', 'Shop')),
    owner_customer uuid REFERENCES customers (id),
    owner_shop     integer REFERENCES shops (id)
);
