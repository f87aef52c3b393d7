SELECT f._id AS id, uuid_of_legacy(f.u) AS u FROM files AS f
