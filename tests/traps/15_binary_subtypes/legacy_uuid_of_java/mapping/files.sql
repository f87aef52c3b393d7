SELECT f._id AS id, uuid_of_legacy(f.u, 'java') AS u FROM files AS f
