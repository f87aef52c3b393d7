-- A score is between 0 and 100.
SELECT "id", "score"
FROM   "user_progress"
WHERE  "score" NOT BETWEEN 0 AND 100
