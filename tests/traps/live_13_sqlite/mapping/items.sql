SELECT i.rowid AS id, parse_int(i.n) AS n, i.note AS note FROM items AS i
