SELECT r._id AS id, r.v AS f FROM readings AS r
