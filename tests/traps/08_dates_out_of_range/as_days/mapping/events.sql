SELECT e._id AS id, CAST(e.at AS DATE) AS day FROM events AS e
