SELECT f._id AS id, f.u AS u, bytes_of(f.u) AS data FROM files AS f
