SELECT p._id AS id, p.user_id AS b, rest_of(p) AS j FROM people AS p
