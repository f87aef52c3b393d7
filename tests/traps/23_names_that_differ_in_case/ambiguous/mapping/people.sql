SELECT p._id AS id, p.userID AS a FROM people AS p
