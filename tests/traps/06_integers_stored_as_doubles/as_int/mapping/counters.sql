SELECT c._id AS id, as_int(c.n) AS n FROM counters AS c
