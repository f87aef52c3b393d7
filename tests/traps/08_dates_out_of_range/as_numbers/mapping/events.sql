SELECT e._id                                                              AS id,
       CAST(ejson_of(e.at) ->> '$."$date"."$numberLong"' AS BIGINT)       AS ms
FROM   events AS e
