SELECT p.id AS id, p.code AS code FROM parents AS p
