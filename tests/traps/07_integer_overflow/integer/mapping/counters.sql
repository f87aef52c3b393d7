SELECT c._id AS id, c.n AS usual FROM counters AS c
