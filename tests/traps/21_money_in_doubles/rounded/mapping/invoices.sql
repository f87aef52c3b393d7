SELECT i._id AS id, round(as_decimal(i.total, 36, 18), 2) AS cents FROM invoices AS i
