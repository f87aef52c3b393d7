SELECT l._id AS list_id, i.n AS item, p.n AS position, p.part AS name
FROM   lists AS l, unnest(l.items) WITH ORDINALITY AS i(item, n), unnest(i.item.parts) WITH ORDINALITY AS p(part, n)
