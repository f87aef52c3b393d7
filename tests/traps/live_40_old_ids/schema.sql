CREATE TABLE orders (id uuid PRIMARY KEY, customer_id uuid NOT NULL, total integer NOT NULL);
