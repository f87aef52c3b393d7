-- A module is completed after the enrollment.
SELECT "id", "enrolledAt", "completedAt"
FROM   "user_enrollments"
WHERE  "completedAt" < "enrolledAt"
