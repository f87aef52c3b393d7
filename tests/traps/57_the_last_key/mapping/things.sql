SELECT t.n AS n, ejson_of(t._id) AS id FROM things AS t
