-- No more sections are completed than there are.
SELECT "id", "completedSections", "totalSections"
FROM   "user_enrollments"
WHERE  "completedSections" > "totalSections"
