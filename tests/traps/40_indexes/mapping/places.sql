SELECT p._id AS id, p.name AS name, json_of(p.at) AS place, p.tags AS tags FROM places AS p
