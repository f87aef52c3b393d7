SELECT n._id AS id, n.text AS j FROM notes AS n
