SELECT e._id AS id, as_date(e.at) AS at FROM events AS e
