-- One row for every module. Its lists of content are discarded in crossfade.toml: contents.moduleId says the same.
SELECT oid_text(m._id)                                  AS id,
       oid_text(m.phaseId)                              AS phaseId,
       m.title                                          AS title,
       m.description                                    AS description,
       m.icon                                           AS icon,
       coalesce(as_text(m.duration), '0 hours')         AS duration,
       upper(m.difficulty)                              AS difficulty,
       m.color                                          AS color,
       m."order"                                        AS "order",
       list_of(m.topics)                                AS topics,
       list_of(m.learningOutcomes)                      AS learningOutcomes,
       list_of(m.prerequisites)                         AS prerequisites,
       m.isActive                                       AS isActive,
       m.createdAt                                      AS createdAt,
       m.updatedAt                                      AS updatedAt
FROM   modules AS m
