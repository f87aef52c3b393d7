SELECT p._id AS id, p.userId AS camel, p.userid AS lower, json_of(p."in") AS j, p.Name AS name FROM people AS p
