SELECT n._id AS id, encode(n.title) AS title_bytes FROM notes AS n
