SELECT n._id AS id, n.owner, n.body FROM notes AS n
