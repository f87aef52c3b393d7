CREATE TABLE orders (id int PRIMARY KEY, total int NOT NULL);
CREATE TABLE lines (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders, amount int NOT NULL);
INSERT INTO orders SELECT n, 2 FROM generate_series(1, 20) AS n;
INSERT INTO lines SELECT n, 1 + n % 20, 1 FROM generate_series(1, 40) AS n;
