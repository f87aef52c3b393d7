SELECT p._id AS id, as_text(p.nick) AS required FROM people AS p
