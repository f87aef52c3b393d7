SELECT c._id AS id, c.n AS n FROM counters AS c
