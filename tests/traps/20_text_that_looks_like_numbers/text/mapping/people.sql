SELECT p._id AS id, p.code AS code, json_of(p.code) AS j FROM people AS p
