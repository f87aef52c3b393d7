SELECT c._id AS id, coalesce(parse_int(c.age), 0) AS age FROM customers AS c
