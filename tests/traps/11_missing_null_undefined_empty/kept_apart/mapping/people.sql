SELECT p._id AS id, CASE WHEN bson_type(p.nick) <> 'undefined' THEN as_text(p.nick) END AS nick, present(p.nick) AS has_nick
FROM   people AS p
