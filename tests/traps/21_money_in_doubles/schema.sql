CREATE TABLE invoices (id integer PRIMARY KEY, total numeric, cents numeric(20, 2));
