SELECT a._id AS id, a.age AS age FROM adults AS a
