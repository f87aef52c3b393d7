SELECT uuid_of(o._id) AS id, uuid_of(o.customer) AS customer_id, o.total AS total FROM orders AS o
