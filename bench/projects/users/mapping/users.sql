-- One row for every user. Ids stay the 24 hex digits that they were.
SELECT oid_text(u._id)       AS id,
       u.username            AS username,
       u.email               AS email,
       u.password            AS password,
       upper(u.role)         AS role,
       u.currentStreak       AS current_streak,
       u.longestStreak       AS longest_streak,
       u.lastActiveAt        AS last_active_at,
       upper(u.adminStatus)  AS admin_status,
       u.createdAt           AS created_at,
       u.updatedAt           AS updated_at
FROM   users AS u
