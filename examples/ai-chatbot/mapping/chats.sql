-- One row for every conversation. An agent that is gone or deleted becomes NULL, as ON DELETE SET NULL would have done.
SELECT c.id                                                              AS id,
       c.user_id                                                         AS user_id,
       CASE WHEN a.id IS NOT NULL AND a.deleted_at IS NULL
            THEN uuid_of(c.agent_id) END                                 AS agent_id,
       coalesce(nullif(c.title, ''), 'New chat')                         AS title,
       c.is_archived                                                     AS archived,
       c.created_at                                                      AS created_at,
       coalesce(c.updated_at, c.created_at)                              AS updated_at
FROM   conversations AS c LEFT JOIN agents AS a ON a.id = c.agent_id
