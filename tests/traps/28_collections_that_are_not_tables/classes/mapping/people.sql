SELECT p._id AS id, p.age AS age FROM people AS p
