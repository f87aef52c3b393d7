SELECT r._id AS id, r.name FROM receivers AS r
