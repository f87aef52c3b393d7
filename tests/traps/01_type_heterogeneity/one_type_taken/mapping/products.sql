SELECT p._id              AS id,
       as_double(p.price) AS price
FROM   products AS p
