-- One row for every user. lockUntil is a number of milliseconds.
SELECT oid_text(u._id)                                  AS id,
       oid_text(u._id)                                  AS userId,
       coalesce(u.security.emailVerified, false)        AS emailVerified,
       coalesce(u.security.twoFactorEnabled, false)     AS twoFactorEnabled,
       u.security.twoFactorSecret                       AS twoFactorSecret,
       u.security.passwordChangedAt                     AS passwordChangedAt,
       u.security.passwordResetToken                    AS passwordResetToken,
       u.security.passwordResetExpires                  AS passwordResetExpires,
       coalesce(u.security.loginAttempts, 0)            AS loginAttempts,
       epoch_ms_date(u.security.lockUntil)              AS lockUntil,
       u.createdAt                                      AS createdAt,
       u.updatedAt                                      AS updatedAt
FROM   users AS u
