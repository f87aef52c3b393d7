SELECT i.id AS id, i.name AS name, i.updated_at AS updated_at FROM items AS i
