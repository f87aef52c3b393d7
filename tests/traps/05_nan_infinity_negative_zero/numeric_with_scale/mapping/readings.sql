SELECT r._id AS id, r.v AS n2 FROM readings AS r
