SELECT t._id AS id, as_text(t.v) AS t FROM things AS t
