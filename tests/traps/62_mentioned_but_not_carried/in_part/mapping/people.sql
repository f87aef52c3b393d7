SELECT p._id AS id, p.age >= 18 AS adult, left(p.name, 1) AS initial,
       CASE bson_type(p.score) WHEN 'double' THEN as_double(p.score) END AS score
FROM   people AS p
