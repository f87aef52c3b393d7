SELECT p.id AS id FROM parents AS p
