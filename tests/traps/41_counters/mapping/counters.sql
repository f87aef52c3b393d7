SELECT c._id AS name, c.seq AS seq FROM counters AS c
