SELECT c._id AS id, c.code AS fixed, c.code AS varying, c.code AS free FROM codes AS c
