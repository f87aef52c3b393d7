SELECT i._id AS id, i.total AS cents FROM invoices AS i
