-- One row for every row.
SELECT w.id            AS id,
       w.document_id   AS document_id,
       w.user_id       AS user_id,
       w.start_time    AS start_time,
       w.end_time      AS end_time,
       w.duration      AS duration,
       w.activity      AS activity,
       w.snapshots     AS snapshots,
       w.productivity  AS productivity,
       w.created_at    AS created_at
FROM   writing_sessions AS w
