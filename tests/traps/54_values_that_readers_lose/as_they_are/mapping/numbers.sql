SELECT v._id AS id, ejson_of(v.n) AS j, ejson_of(v.tags) AS tags, ejson_of(v.o) AS o, rest_of(v) AS rest FROM numbers AS v
