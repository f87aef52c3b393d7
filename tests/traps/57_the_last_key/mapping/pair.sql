SELECT t.n AS n, ejson_of(t._id) AS id FROM pair AS t
