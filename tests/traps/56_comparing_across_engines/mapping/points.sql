SELECT v._id AS id, v.f AS f, as_number(v.x) AS x, v.at AS at, json_of(v.j) AS j FROM points AS v
