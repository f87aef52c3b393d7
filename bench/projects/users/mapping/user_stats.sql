-- One row for every user.
SELECT oid_text(u._id)             AS user_id,
       u.stats.totalPoints         AS total_points,
       u.stats.level               AS level,
       u.stats.coursesCompleted    AS courses_completed,
       u.stats.labsCompleted       AS labs_completed,
       u.stats.gamesCompleted      AS games_completed,
       u.stats.achievementsEarned  AS achievements_earned,
       u.stats.averageScore        AS average_score
FROM   users AS u
