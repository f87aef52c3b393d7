SELECT i._id AS id, i.name AS name FROM items AS i
