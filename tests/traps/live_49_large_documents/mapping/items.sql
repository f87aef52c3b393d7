SELECT i._id AS id, i.size AS size, i.body AS body FROM items AS i
