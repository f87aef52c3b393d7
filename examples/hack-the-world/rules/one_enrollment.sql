-- A user is enrolled in a module once.
SELECT "userId", "moduleId", count(*) AS enrollments
FROM   "user_enrollments"
GROUP  BY "userId", "moduleId"
HAVING count(*) > 1
