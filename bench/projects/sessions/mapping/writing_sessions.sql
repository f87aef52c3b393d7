-- One row for every writing session.
SELECT uuid_of(w._id)              AS id,
       uuid_of(w.document)         AS document_id,
       uuid_of(w.user)             AS user_id,
       w.startTime                 AS start_time,
       w.endTime                   AS end_time,
       as_int(w.duration)          AS duration,
       json_of(w.activity)         AS activity,
       json_of(w.snapshots)        AS snapshots,
       json_of(w.productivity)     AS productivity,
       w.createdAt                 AS created_at
FROM   writingsessions AS w
