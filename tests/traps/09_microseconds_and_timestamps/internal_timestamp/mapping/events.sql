SELECT e._id                                                 AS id,
       CAST(ejson_of(e.op) ->> '$."$timestamp".t' AS BIGINT) AS op_t,
       CAST(ejson_of(e.op) ->> '$."$timestamp".i' AS BIGINT) AS op_i,
       ejson_of(e.op)                                        AS op
FROM   events AS e
