SELECT p._id              AS id,
       p.price.currency   AS currency
FROM   products AS p
