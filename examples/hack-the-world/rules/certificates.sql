-- A certificate is issued for a completed module.
SELECT "id", "status"
FROM   "user_enrollments"
WHERE  "certificateIssued" AND "status" <> 'COMPLETED'
