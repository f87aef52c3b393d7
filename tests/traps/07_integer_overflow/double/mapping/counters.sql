SELECT c._id AS id, as_double(c.n) AS f FROM counters AS c
