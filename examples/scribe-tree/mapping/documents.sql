-- One row for every document. A course that was deleted becomes NULL, as ON DELETE SET NULL would have made it: that is what
-- the look-up is for. What no column takes up stays in `legacy`.
SELECT uuid_of(d._id)                              AS id,
       d.title                                     AS title,
       d.content                                   AS content,
       CASE WHEN c._id IS NOT NULL THEN uuid_of(d.course) END AS course_id,
       uuid_of(d.author)                           AS author_id,
       uuid_of(d.assignment)                       AS assignment_id,
       uuid_of(d.submission)                       AS submission_id,
       d.type                                      AS type,
       d.status                                    AS status,
       coalesce(json_of(d.settings), '{}')         AS settings,
       coalesce(json_of(d.metadata), '{}')         AS metadata,
       rest_of(d)                                  AS legacy,
       d.createdAt                                 AS created_at,
       d.updatedAt                                 AS updated_at
FROM   documents AS d
LEFT JOIN courses AS c ON c._id = d.course
