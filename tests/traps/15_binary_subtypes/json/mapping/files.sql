SELECT f._id AS id, json_of(f.data) AS j FROM files AS f
