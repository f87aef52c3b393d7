SELECT r._id AS id, r.v AS r FROM readings AS r
