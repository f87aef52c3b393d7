SELECT o._id AS id, o.customer AS customer_id FROM orders AS o
