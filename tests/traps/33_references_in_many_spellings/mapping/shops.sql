SELECT s._id AS id, s.name AS name FROM shops AS s
