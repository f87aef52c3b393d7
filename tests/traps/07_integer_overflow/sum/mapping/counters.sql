SELECT c._id AS id, c.n + 1 AS big FROM counters AS c
