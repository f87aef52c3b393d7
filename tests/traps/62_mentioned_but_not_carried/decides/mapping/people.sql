SELECT p._id AS id, p.age >= 18 AS adult, CASE WHEN length(p.name) > 2 THEN 'long' END AS initial
FROM   people AS p
