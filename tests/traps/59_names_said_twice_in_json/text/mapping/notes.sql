SELECT n._id AS id, n.text AS t FROM notes AS n
