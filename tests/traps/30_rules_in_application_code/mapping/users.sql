SELECT u._id AS id, COALESCE(u.role, 'user') AS role, u.age AS age, u.first || ' ' || u.last AS name
FROM   users AS u
