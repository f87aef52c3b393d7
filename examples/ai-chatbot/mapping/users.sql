-- One row for every user. An empty display_name is no name, as in JavaScript's `display_name || ...`.
SELECT u.id                                                              AS id,
       u.email                                                           AS email,
       coalesce(nullif(u.display_name, ''), split_part(u.email, '@', 1)) AS name,
       u.avatar_url                                                      AS avatar_url,
       u.created_at                                                      AS created_at,
       coalesce(u.updated_at, u.created_at)                              AS updated_at
FROM   users AS u
