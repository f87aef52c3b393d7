-- One row for every submission. `wordCount` was `wordcount` in the first release: fields that differ only in case have
-- names of their own in SQL (source.lock.json shows them).
SELECT uuid_of(s._id)                                     AS id,
       uuid_of(coalesce(s.courseAssignment, s.assignment)) AS assignment_id,
       uuid_of(oid_of(s.author))                          AS author_id,
       s.title                                            AS title,
       s.content                                          AS content,
       coalesce(parse_int(s."wordCount#daac"), s."wordcount#2244", 0) AS word_count,
       s.status                                           AS status,
       parse_date(s.submittedAt)                          AS submitted_at,
       coalesce(json_of(s.collaboration), '{}')           AS collaboration_settings,
       coalesce(json_of(s.analytics), '{}')               AS analytics,
       json_of(s.grade)                                   AS grade,
       s.createdAt                                        AS created_at,
       s.updatedAt                                        AS updated_at
FROM   assignmentsubmissions AS s
