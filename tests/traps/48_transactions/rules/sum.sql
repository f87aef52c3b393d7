-- What one account loses another one gets.
SELECT sum(n) AS total FROM items HAVING sum(n) <> 4000
