SELECT i._id AS id, i.n AS n FROM items AS i
