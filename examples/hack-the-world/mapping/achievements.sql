-- One row for every achievement; retired ones are discarded in crossfade.toml.
SELECT oid_text(a._id)                                  AS id,
       a.slug                                           AS slug,
       a.title                                          AS title,
       a.description                                    AS description,
       a.category                                       AS category,
       json_of(a.requirements)                          AS requirements,
       json_of(a.rewards)                               AS rewards,
       a.icon                                           AS icon,
       upper(a.difficulty)                              AS difficulty,
       a.isActive                                       AS isActive,
       a.createdAt                                      AS createdAt,
       a.updatedAt                                      AS updatedAt
FROM   achievements AS a
