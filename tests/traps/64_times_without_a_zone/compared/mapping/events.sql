SELECT e._id AS id, e.at AS at, CASE WHEN e.at = DATE '2000-01-01' THEN DATE '2000-01-01' END AS day FROM events AS e
