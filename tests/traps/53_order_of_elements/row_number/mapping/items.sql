SELECT l._id AS list_id, row_number() OVER (PARTITION BY l._id) AS position, i.item.at AS at FROM lists AS l, unnest(l.items) AS i(item)
