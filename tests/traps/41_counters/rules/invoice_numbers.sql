-- No number is given out twice: the sequence goes on after the counter. Set it with
-- SELECT setval('invoices_number_seq', (SELECT seq FROM counters WHERE name = 'invoices'))
SELECT seq, last_value FROM counters, invoices_number_seq WHERE name = 'invoices' AND last_value < seq
