SELECT n._id AS id, without_nul(n.title) AS title, without_nul(json_of(n.meta)) AS meta FROM notes AS n
