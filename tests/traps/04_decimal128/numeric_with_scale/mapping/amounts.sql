SELECT a._id AS id, a.v AS v2 FROM amounts AS a
