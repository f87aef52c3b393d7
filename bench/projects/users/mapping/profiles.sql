-- One row for every user.
SELECT oid_text(u._id)             AS user_id,
       u.profile.firstName         AS first_name,
       u.profile.lastName          AS last_name,
       u.profile.avatar            AS avatar,
       u.profile.bio               AS bio,
       u.profile.location          AS location,
       u.profile.website           AS website,
       upper(u.profile.experienceLevel) AS experience_level
FROM   users AS u
