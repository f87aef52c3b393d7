SELECT uuid_of(c._id) AS id, c.name AS name, ejson_of(c._id) AS key FROM customers AS c
