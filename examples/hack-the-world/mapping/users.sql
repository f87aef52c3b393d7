-- One row for every user. Ids stay what they were: the 24 hex digits of the ObjectId. Profile, statistics and security
-- settings are rows of their own (profiles, user_stats, user_security) under the same id.
SELECT oid_text(u._id)                                  AS id,
       u.username                                       AS username,
       u.email                                          AS email,
       u.password                                       AS password,
       upper(u.role)                                    AS role,
       coalesce(parse_int(u.currentStreak), 0)          AS currentStreak,
       coalesce(as_int(u.longestStreak), 0)             AS longestStreak,
       parse_date(u.lastActiveAt)                       AS lastActiveAt,
       coalesce(upper(u.adminStatus), 'ACTIVE')         AS adminStatus,
       u.createdAt                                      AS createdAt,
       u.updatedAt                                      AS updatedAt
FROM   users AS u
