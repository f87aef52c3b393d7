SELECT s._id AS id, json_of(s.months) AS months FROM stats AS s
