SELECT o._id AS id, o.a.b AS ab FROM odd AS o
