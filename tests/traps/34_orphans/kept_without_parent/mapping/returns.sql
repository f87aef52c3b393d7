SELECT r._id AS id, r."order" AS order_id FROM returns AS r
