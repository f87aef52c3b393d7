SELECT s._id AS id FROM stats AS s
