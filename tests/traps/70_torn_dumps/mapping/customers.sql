SELECT c._id AS id, c.name AS name FROM customers AS c
