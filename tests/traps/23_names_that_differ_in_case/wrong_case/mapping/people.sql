SELECT p._id AS id, p.plan AS plan FROM people AS p
