SELECT v._id AS id, as_double(v.n) AS d, ejson_of(v.tags) AS tags, ejson_of(v.o) AS o, rest_of(v) AS rest FROM numbers AS v
