SELECT c._id AS id, CAST(c.n AS BIGINT) AS n FROM counters AS c
