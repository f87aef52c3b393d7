SELECT p._id AS id, p.code AS n FROM people AS p
