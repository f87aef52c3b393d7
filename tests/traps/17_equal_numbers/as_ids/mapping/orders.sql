SELECT o._id AS id, uuid_of(o.customer) AS customer_id, ejson_of(o.customer) AS key FROM orders AS o
