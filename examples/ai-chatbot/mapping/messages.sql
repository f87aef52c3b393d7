-- One row for every message. Messages from before 2024 have text alone: it becomes the one part. The old server wrote UTC.
SELECT uuid_of(m.id)                                                     AS id,
       m.conversation_id                                                 AS chat_id,
       CASE m.role WHEN 'human' THEN 'user' WHEN 'bot' THEN 'assistant' ELSE m.role END AS role,
       coalesce(m.parts, CASE WHEN m.content IS NOT NULL
            THEN json_array(json_object('type', 'text', 'text', m.content)) END) AS parts,
       timezone('UTC', m.sent_at)                                        AS created_at
FROM   messages AS m
