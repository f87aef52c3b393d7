-- One row for every AI interaction. They have no _id: their id is made from the submission's and the position.
-- The timestamp is ISO text; one client wrote milliseconds.
SELECT uuid_of(s._id, 'aiInteractions', i.n)       AS id,
       uuid_of(s._id)                              AS submission_id,
       i.n                                         AS position,
       CASE WHEN bson_type(i.ai.timestamp) IN ('long', 'double') THEN epoch_ms_date(i.ai.timestamp)
            ELSE parse_date(i.ai.timestamp) END    AS occurred_at,
       i.ai.stage                                  AS stage,
       i.ai.type                                   AS type,
       i.ai.prompt                                 AS prompt,
       i.ai.studentResponse                        AS student_response,
       i.ai.reflection                             AS reflection
FROM   assignmentsubmissions AS s, unnest(s.aiInteractions) WITH ORDINALITY AS i(ai, n)
