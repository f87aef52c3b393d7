SELECT o._id AS id, o.customer AS customer, o.note AS note, o.code AS code FROM orders AS o
