SELECT i._id AS id, i.total AS total FROM invoices AS i
