SELECT p._id AS id, p.name AS initial, CASE bson_type(p.score) WHEN 'double' THEN as_double(p.score) END AS score
FROM   people AS p
