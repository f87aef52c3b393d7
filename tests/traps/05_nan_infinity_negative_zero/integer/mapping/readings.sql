SELECT r._id AS id, as_int(r.v) AS i FROM readings AS r
