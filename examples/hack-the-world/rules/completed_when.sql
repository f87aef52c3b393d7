-- What is completed says when.
SELECT 'user_enrollments' AS "table", "id"
FROM   "user_enrollments"
WHERE  "status" = 'COMPLETED' AND "completedAt" IS NULL
UNION ALL
SELECT 'user_progress', "id"
FROM   "user_progress"
WHERE  "status" = 'COMPLETED' AND "completedAt" IS NULL
UNION ALL
SELECT 'user_achievements', "id"
FROM   "user_achievements"
WHERE  "isCompleted" AND "completedAt" IS NULL
