-- Everyone has a name that can be shown.
SELECT id, email, name
FROM   users
WHERE  name = ''
