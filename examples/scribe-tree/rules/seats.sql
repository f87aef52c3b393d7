-- A course has no more students than seats.
SELECT c.id, c.max_students, count(*) AS students
FROM   courses AS c JOIN course_enrollments AS e ON e.course_id = c.id
GROUP  BY c.id, c.max_students
HAVING count(*) > c.max_students
