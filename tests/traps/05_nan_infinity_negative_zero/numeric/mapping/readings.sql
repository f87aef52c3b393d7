SELECT r._id AS id, r.v AS n FROM readings AS r
