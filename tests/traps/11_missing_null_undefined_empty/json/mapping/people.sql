SELECT p._id AS id, ejson_of(p.nick) AS j, present(p.nick) AS has_nick FROM people AS p
