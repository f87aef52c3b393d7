SELECT o._id AS id, o.a.b AS ab, rest_of(o) AS j FROM odd AS o
