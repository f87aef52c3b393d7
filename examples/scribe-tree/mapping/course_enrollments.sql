-- One row for every student in courses.students[]. Some references are hex text; a null among them is nobody.
SELECT uuid_of(c._id, oid_of(s.student))           AS id,
       uuid_of(c._id)                              AS course_id,
       uuid_of(oid_of(s.student))                  AS student_id,
       c.createdAt                                 AS enrolled_at,
       'active'                                    AS status
FROM   courses AS c, unnest(c.students) AS s(student)
WHERE  s.student IS NOT NULL
