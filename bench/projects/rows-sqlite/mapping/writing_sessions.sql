-- One row for every row.
SELECT CAST(w.id AS UUID)                                AS id,
       CAST(w.document_id AS UUID)                       AS document_id,
       CAST(w.user_id AS UUID)                           AS user_id,
       timezone('UTC', CAST(w.start_time AS TIMESTAMP))  AS start_time,
       timezone('UTC', CAST(w.end_time AS TIMESTAMP))    AS end_time,
       as_int(w.duration)                                AS duration,
       w.activity                                        AS activity,
       w.snapshots                                       AS snapshots,
       w.productivity                                    AS productivity,
       timezone('UTC', CAST(w.created_at AS TIMESTAMP))  AS created_at
FROM   writing_sessions AS w
