SELECT uuid_of(ejson_of(t.v)) AS id, t._id AS n, ejson_of(t.v) AS v, json_of(t.v) AS plain, rest_of(t) AS rest FROM things AS t
