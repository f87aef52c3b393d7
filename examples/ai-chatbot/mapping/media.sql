-- One row for every media asset. A message that is gone becomes NULL, as ON DELETE SET NULL would have done.
SELECT f.id                                                              AS id,
       f.user_id                                                         AS user_id,
       CASE WHEN m.id IS NOT NULL THEN uuid_of(f.message_id) END         AS message_id,
       f.file_name                                                       AS name,
       coalesce(f.mime_type, 'application/octet-stream')                 AS mime_type,
       f.size_bytes                                                      AS size_bytes,
       f.url                                                             AS url,
       f.sha256                                                          AS sha256,
       timezone('UTC', f.uploaded_at)                                    AS created_at
FROM   media_assets AS f LEFT JOIN messages AS m ON m.id = f.message_id
