-- One row for every notification; those that expired before 2020 are discarded in crossfade.toml. A sender who was deleted
-- becomes NULL, as ON DELETE SET NULL would have made it. Some ids are no ObjectIds: uuid_of keeps them apart.
SELECT uuid_of(n._id)                              AS id,
       uuid_of(n.recipient)                        AS recipient_id,
       CASE WHEN u._id IS NOT NULL THEN uuid_of(n.sender) END AS sender_id,
       n.type                                      AS type,
       n.category                                  AS category,
       n.priority                                  AS priority,
       n.title                                     AS title,
       n.message                                   AS message,
       coalesce(json_of(n.context), '{}')          AS context,
       json_of(n.intervention)                     AS intervention,
       json_of(n.relatedMetrics)                   AS related_metrics,
       n.status                                    AS status,
       as_bool(n.actionRequired)                   AS action_required,
       n.expiresAt                                 AS expires_at,
       n.createdAt                                 AS created_at,
       n.readAt                                    AS read_at
FROM   notifications AS n
LEFT JOIN users AS u ON u._id = n.sender
