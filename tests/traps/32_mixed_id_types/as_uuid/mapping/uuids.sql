SELECT uuid_of(t._id) AS id, t.name AS name FROM things AS t
