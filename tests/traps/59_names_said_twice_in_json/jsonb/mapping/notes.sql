SELECT n._id AS id, n.text AS b FROM notes AS n
