-- One row for every user. The model has `lowercase: true` on email; users older than that option still have capitals.
SELECT uuid_of(u._id)                              AS id,
       lower(u.email)                              AS email,
       u.password                                  AS password_hash,
       u.firstName                                 AS first_name,
       u.lastName                                  AS last_name,
       lower(u.role)                               AS role,
       u.profilePicture                            AS profile_picture,
       u.bio                                       AS bio,
       coalesce(parse_bool(u.isVerified), false)   AS is_verified,
       parse_date(u.createdAt)                     AS created_at,
       u.updatedAt                                 AS updated_at
FROM   users AS u
