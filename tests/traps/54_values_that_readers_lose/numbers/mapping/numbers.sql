SELECT v._id AS id, as_number(v.n) AS x, ejson_of(v.tags) AS tags, ejson_of(v.o) AS o, rest_of(v) AS rest FROM numbers AS v
