SELECT t._id AS id, json_of(t.v) AS j, bson_type(t.v) AS type FROM things AS t
