SELECT u._id AS id, u.name AS name FROM users AS u
