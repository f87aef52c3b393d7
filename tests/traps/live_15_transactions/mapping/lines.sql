SELECT l.id AS id, l.order_id AS order_id, l.amount AS amount FROM lines AS l
