SELECT i._id AS number, i.receiver, i.total FROM invoices AS i
