SELECT i.id AS id, i.name AS name FROM items AS i
