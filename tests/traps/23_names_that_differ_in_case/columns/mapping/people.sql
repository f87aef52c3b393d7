SELECT p._id AS id, p.user_id AS "userId", p.user_id AS userid, rest_of(p) AS "UserID" FROM people AS p
