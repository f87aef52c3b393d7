SELECT p._id AS id, as_text(p.nick) AS nick FROM people AS p
