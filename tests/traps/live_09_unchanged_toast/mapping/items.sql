SELECT i.id AS id, i.name AS name, i.body AS body FROM items AS i
