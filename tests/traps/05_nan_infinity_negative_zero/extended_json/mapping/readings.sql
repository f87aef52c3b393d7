SELECT r._id AS id, ejson_of(r.v) AS j FROM readings AS r
