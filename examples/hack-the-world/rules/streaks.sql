-- A current streak is no longer than the longest one.
SELECT "id", "currentStreak", "longestStreak"
FROM   "users"
WHERE  "currentStreak" > "longestStreak"
