SELECT s._id AS stats_id, m.month AS month, CAST(json_of(s.months) -> m.month ->> 'sold' AS INTEGER) AS sold
FROM   stats AS s, unnest(json_keys(json_of(s.months))) AS m(month)
