SELECT u._id AS id, u.email AS email, u.shop AS shop FROM users AS u
