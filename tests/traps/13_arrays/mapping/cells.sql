SELECT p._id AS post_id, r.y AS y, c.x AS x, c.value AS value
FROM   posts AS p, unnest(p.grid) WITH ORDINALITY AS r(line, y), unnest(r.line) WITH ORDINALITY AS c(value, x)
