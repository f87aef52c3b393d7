SELECT i._id AS id, as_decimal(i.total, 20, 2) AS cents FROM invoices AS i
