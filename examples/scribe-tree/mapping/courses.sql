-- One row for every course; its students are in course_enrollments. An empty enrollmentCode is no code.
SELECT uuid_of(c._id)                              AS id,
       c.title                                     AS title,
       c.description                               AS description,
       c.subject                                   AS subject,
       uuid_of(c.instructor)                       AS instructor_id,
       coalesce(c.isPublic, false)                 AS is_public,
       coalesce(parse_int(c.maxStudents), 30)      AS max_students,
       CAST(parse_date(c.startDate) AS DATE)       AS start_date,
       CAST(as_date(c.endDate) AS DATE)            AS end_date,
       coalesce(json_of(c.settings), '{}')         AS settings,
       lower(c.status)                             AS status,
       coalesce(c.isActive, true)                  AS is_active,
       nullif(c.enrollmentCode, '')                AS enrollment_code,
       list_of(c.tags)                             AS tags,
       c.createdAt                                 AS created_at,
       c.updatedAt                                 AS updated_at
FROM   courses AS c
