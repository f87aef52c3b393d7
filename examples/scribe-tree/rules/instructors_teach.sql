-- Courses and assignments are taught by educators or admins.
SELECT 'courses' AS taught, c.id, u.role
FROM   courses AS c JOIN users AS u ON u.id = c.instructor_id
WHERE  u.role = 'student'
UNION ALL
SELECT 'assignments', a.id, u.role
FROM   assignments AS a JOIN users AS u ON u.id = a.instructor_id
WHERE  u.role = 'student'
