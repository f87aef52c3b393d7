SELECT o._id AS id, c._id AS customer_id, o.customer AS customer_named
FROM   orders AS o LEFT JOIN customers AS c ON c._id = o.customer
