-- A student is enrolled in a course once.
SELECT course_id, student_id, count(*) AS enrollments
FROM   course_enrollments
GROUP  BY course_id, student_id
HAVING count(*) > 1
