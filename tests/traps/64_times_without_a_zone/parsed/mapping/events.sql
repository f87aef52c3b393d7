SELECT e._id AS id, CAST(e.at AS TIMESTAMP) AS local FROM events AS e
