SELECT p._id AS id, parse_double(p.code) AS f FROM people AS p
