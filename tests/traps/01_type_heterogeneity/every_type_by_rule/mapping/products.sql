SELECT p._id                                                                   AS id,
       CASE bson_type(p.price) WHEN 'object' THEN as_decimal(p.price.amount, 10, 2)
                               ELSE as_decimal(p.price, 10, 2) END             AS price,
       p.price.currency                                                        AS currency
FROM   products AS p
