SELECT c._id AS id, as_int(c.age) AS age FROM customers AS c
