SELECT c._id AS id, c.n AS big FROM counters AS c
