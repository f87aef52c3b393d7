SELECT e._id AS id, e.at AS at, e.at AS plain, CAST(e.at AS DATE) AS day FROM events AS e
