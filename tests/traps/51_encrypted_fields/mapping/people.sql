SELECT p._id AS id, p.name AS name,
       CASE WHEN bson_type(p.ssn) = 'binData:6' THEN bytes_of(p.ssn) END AS ssn,
       CASE WHEN bson_type(p.ssn) <> 'binData:6' THEN as_string(p.ssn) END AS ssn_in_the_clear,
       ejson_of(p.card) AS card
FROM   people AS p
