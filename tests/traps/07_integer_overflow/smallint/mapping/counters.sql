SELECT c._id AS id, c.n AS small FROM counters AS c
