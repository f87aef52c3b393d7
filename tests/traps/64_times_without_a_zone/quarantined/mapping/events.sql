SELECT e._id AS id, CAST(e.at AS TIMESTAMPTZ) AS at FROM events AS e
