SELECT d._id AS document_id, i.n AS n, i.item AS item FROM documents AS d, unnest(d.items) WITH ORDINALITY AS i(item, n)
