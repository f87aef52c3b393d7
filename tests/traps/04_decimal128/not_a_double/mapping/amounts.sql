SELECT a._id AS id, a.v AS f FROM amounts AS a
