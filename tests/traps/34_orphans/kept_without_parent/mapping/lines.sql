SELECT o._id AS order_id, l.n AS position, l.item AS item FROM orders AS o, unnest(o.lines) WITH ORDINALITY AS l(item, n)
