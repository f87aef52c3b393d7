SELECT p._id AS id, p.name AS name, rest_of(p) AS j FROM people AS p
