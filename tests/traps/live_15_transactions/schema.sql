CREATE TABLE orders (id int PRIMARY KEY, total int NOT NULL);
CREATE TABLE lines (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders, amount int NOT NULL);
CREATE INDEX lines_of_order ON lines (order_id);
