-- One row for every user and achievement.
SELECT oid_text(a._id)                                  AS id,
       oid_text(a.userId)                               AS userId,
       oid_text(a.achievementId)                        AS achievementId,
       as_int(a.progress)                               AS progress,
       coalesce(a.isCompleted, false)                   AS isCompleted,
       a.completedAt                                    AS completedAt,
       json_of(a.earnedRewards)                         AS earnedRewards,
       a.notificationSent                               AS notificationSent,
       a.isActive                                       AS isActive,
       a.createdAt                                      AS createdAt,
       a.updatedAt                                      AS updatedAt
FROM   userachievements AS a
