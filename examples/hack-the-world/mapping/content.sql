-- One row for every piece of content. Some references are hex text.
SELECT oid_text(c._id)                                  AS id,
       oid_text(oid_of(c.moduleId))                     AS moduleId,
       upper(c.type)                                    AS type,
       c.title                                          AS title,
       c.description                                    AS description,
       c.url                                            AS url,
       c.instructions                                   AS instructions,
       c.section                                        AS section,
       c."order"                                        AS "order",
       coalesce(parse_int(c.duration), 0)               AS duration,
       json_of(c.metadata)                              AS metadata,
       c.isActive                                       AS isActive,
       c.createdAt                                      AS createdAt,
       c.updatedAt                                      AS updatedAt
FROM   contents AS c
