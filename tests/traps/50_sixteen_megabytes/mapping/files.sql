SELECT f._id AS id, f.body AS body, f.kind AS kind FROM files AS f
