SELECT c._id AS id, parse_int(c.age) AS age FROM customers AS c
