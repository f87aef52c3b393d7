SELECT l._id AS list_id, i.n AS position, i.item.at AS at FROM lists AS l, unnest(l.items) WITH ORDINALITY AS i(item, n)
