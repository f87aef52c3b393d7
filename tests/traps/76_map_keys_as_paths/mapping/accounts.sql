SELECT a._id AS id, json_of(a.usage) AS usage, rest_of(a) AS rest FROM accounts AS a
