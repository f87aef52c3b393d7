SELECT o.id AS id, o.total AS total FROM orders AS o
