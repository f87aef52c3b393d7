SELECT i._id AS id, as_number(i.total) AS total FROM invoices AS i
