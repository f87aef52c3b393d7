SELECT u._id AS id, uuid_of(u.city) AS city_id FROM users AS u
