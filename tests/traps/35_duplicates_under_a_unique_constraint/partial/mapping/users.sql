SELECT u._id AS id, u.email AS email, u.active AS active FROM users AS u
