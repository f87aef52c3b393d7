SELECT e._id AS id, CAST(e.at AS TIMESTAMP) AS at FROM events AS e
