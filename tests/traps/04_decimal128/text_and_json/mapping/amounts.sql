SELECT a._id AS id, as_text(a.v) AS t, json_of(a.v) AS j FROM amounts AS a
