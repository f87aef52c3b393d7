SELECT n._id AS id, n.title AS title, json_of(n.meta) AS meta FROM notes AS n
