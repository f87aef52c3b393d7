SELECT o._id AS id, o.no AS no, o.back AS back, o.no AS shared, o.name AS name FROM orders AS o
