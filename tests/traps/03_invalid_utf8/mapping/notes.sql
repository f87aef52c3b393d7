SELECT n._id AS id, n.title AS title FROM notes AS n
