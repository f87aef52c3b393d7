SELECT i._id AS number, i."for" AS receiver FROM invoices AS i
