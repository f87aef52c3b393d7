SELECT p._id              AS id,
       json_of(p.price)   AS note
FROM   products AS p
