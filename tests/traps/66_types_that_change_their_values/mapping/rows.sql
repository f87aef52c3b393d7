SELECT r._id AS id, r.m AS m, r.c AS c, r.n AS n, r.o AS o, r.i AS i, r.i3 AS i3, r.tz AS tz, json_of(r.v) AS v, r.r AS r, r.t AS t,
       r.p AS p, list_of(r.a) AS a
FROM rows AS r
