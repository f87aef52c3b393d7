SELECT a._id AS id, as_decimal(a.v, 10, 2) AS v2 FROM amounts AS a
