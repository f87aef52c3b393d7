SELECT p._id AS id, p."userId#6ccb" AS camel, p."userid#fd14" AS lower, p."in"."A#559a" AS upper_a, p."in"."a#ca97" AS lower_a, p.Name AS name, json_of(p."in") AS j
FROM   people AS p
