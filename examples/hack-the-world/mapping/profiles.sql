-- One row for every user who has a profile, also an empty one; none where it is missing or null.
SELECT oid_text(u._id)                                  AS id,
       oid_text(u._id)                                  AS userId,
       u.profile.firstName                              AS firstName,
       u.profile.lastName                               AS lastName,
       u.profile.avatar                                 AS avatar,
       u.profile.bio                                    AS bio,
       u.profile.location                               AS location,
       u.profile.website                                AS website,
       coalesce(upper(u.profile.experienceLevel), 'BEGINNER') AS experienceLevel,
       u.createdAt                                      AS createdAt,
       u.updatedAt                                      AS updatedAt
FROM   users AS u
WHERE  bson_type(u.profile) = 'object'
