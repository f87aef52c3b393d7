-- One row for every phase.
SELECT oid_text(p._id)                                  AS id,
       p.title                                          AS title,
       p.description                                    AS description,
       p.icon                                           AS icon,
       p.color                                          AS color,
       p."order"                                        AS "order",
       p.isActive                                       AS isActive,
       list_of(p.prerequisites)                         AS prerequisites,
       coalesce(p.estimatedDuration, '4-6 weeks')       AS estimatedDuration,
       upper(p.difficultyLevel)                         AS difficultyLevel,
       list_of(p.tags)                                  AS tags,
       p.createdAt                                      AS createdAt,
       p.updatedAt                                      AS updatedAt
FROM   phases AS p
