-- One document for every row.
SELECT w.id                      AS _id,
       w.document_id             AS document,
       w.user_id                 AS user,
       w.start_time              AS "startTime",
       w.end_time                AS "endTime",
       w.duration                AS duration,
       ejson_of(w.activity)      AS activity,
       ejson_of(w.snapshots)     AS snapshots,
       ejson_of(w.productivity)  AS productivity,
       w.created_at              AS "createdAt"
FROM   writing_sessions AS w
