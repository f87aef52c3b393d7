SELECT p._id AS id, p.region AS region FROM people AS p
