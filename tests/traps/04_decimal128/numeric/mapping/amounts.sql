SELECT a._id AS id, a.v AS v FROM amounts AS a
