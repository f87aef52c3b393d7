-- Rewards belong to completed achievements.
SELECT "id"
FROM   "user_achievements"
WHERE  "earnedRewards" IS NOT NULL AND NOT "isCompleted"
