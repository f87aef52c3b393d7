SELECT p._id             AS id,
       p."userId#6ccb"   AS a,
       p.user_id         AS b,
       p."UserID#2140"   AS c,
       p."userid#fd14"   AS d,
       p.nested."A#559a" AS e,
       p.nested."a#ca97" AS f,
       p.Plan            AS plan,
       json_of(p.nested) AS j
FROM   people AS p
