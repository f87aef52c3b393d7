-- One row for every version. An author who was deleted becomes NULL, as ON DELETE SET NULL would have made it.
SELECT uuid_of(v._id)                              AS id,
       uuid_of(v.document)                         AS document_id,
       parse_int(v.version)                        AS version,
       v.title                                     AS title,
       v.content                                   AS content,
       CASE WHEN w._id IS NOT NULL THEN uuid_of(v.author) END AS author_id,
       coalesce(json_of(v.changes), '{}')          AS changes,
       coalesce(json_of(v.metadata), '{}')         AS metadata,
       coalesce(json_of(v.diff), '{}')             AS diff,
       v.createdAt                                 AS created_at
FROM   documentversions AS v
LEFT JOIN users AS w ON w._id = v.author
