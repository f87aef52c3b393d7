SELECT r._id AS id, json_of(r.v) AS j FROM readings AS r
