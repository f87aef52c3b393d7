SELECT f._id AS id, f.data AS data FROM files AS f
