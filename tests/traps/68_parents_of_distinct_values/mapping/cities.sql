SELECT uuid_of(c._id) AS id, c._id AS name FROM cities AS c
