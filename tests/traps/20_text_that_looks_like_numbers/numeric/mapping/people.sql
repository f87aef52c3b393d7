SELECT p._id AS id, p.code AS d FROM people AS p
