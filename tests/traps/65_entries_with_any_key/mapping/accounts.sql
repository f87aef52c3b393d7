SELECT a._id AS id, a.name AS name FROM accounts AS a
