SELECT o._id AS id, uuid_of(c._id) AS customer_id, c.name AS customer_name, ejson_of(o.customer) AS key
FROM   orders AS o LEFT JOIN customers AS c ON c._id = o.customer
