-- One row for every user. lockUntil is a number of milliseconds.
SELECT oid_text(u._id)                     AS user_id,
       u.security.emailVerified            AS email_verified,
       u.security.twoFactorEnabled         AS two_factor_enabled,
       u.security.twoFactorSecret          AS two_factor_secret,
       u.security.passwordChangedAt        AS password_changed_at,
       u.security.loginAttempts            AS login_attempts,
       epoch_ms_date(u.security.lockUntil) AS lock_until
FROM   users AS u
