SELECT coalesce(r.own, r._id) AS id, r.n AS n, r.o AS o, r.path AS path, r.words AS words, r.what AS what, r.kind AS kind FROM rows AS r
