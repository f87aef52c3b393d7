SELECT p._id AS id, parse_int(p.code) AS n FROM people AS p
