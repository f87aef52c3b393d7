-- Progress is between 0 and 100 percent.
SELECT 'user_enrollments' AS "table", "id", "progressPercentage"
FROM   "user_enrollments"
WHERE  "progressPercentage" NOT BETWEEN 0 AND 100
UNION ALL
SELECT 'user_progress', "id", "progressPercentage"
FROM   "user_progress"
WHERE  "progressPercentage" NOT BETWEEN 0 AND 100
