SELECT u._id AS id, lower(u.email) AS email, trim(left(u.name, 10)) AS name, CASE WHEN u.state = 'active' THEN u.plan END AS plan FROM users AS u
