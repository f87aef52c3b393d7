SELECT p._id AS id, p.url AS url FROM pages AS p
