-- One row for every user.
SELECT oid_text(u._id)                                  AS id,
       oid_text(u._id)                                  AS userId,
       coalesce(as_int(u.stats.totalPoints), 0)         AS totalPoints,
       coalesce(u.stats.level, 1)                       AS level,
       coalesce(u.stats.coursesCompleted, 0)            AS coursesCompleted,
       coalesce(u.stats.labsCompleted, 0)               AS labsCompleted,
       coalesce(u.stats.gamesCompleted, 0)              AS gamesCompleted,
       coalesce(u.stats.achievementsEarned, 0)          AS achievementsEarned,
       u.stats.averageScore                             AS averageScore,
       u.createdAt                                      AS createdAt,
       u.updatedAt                                      AS updatedAt
FROM   users AS u
