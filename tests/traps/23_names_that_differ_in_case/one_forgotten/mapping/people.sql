SELECT p._id AS id, p.user_id AS b, json_of(p.nested) AS j, p.Plan AS plan FROM people AS p
