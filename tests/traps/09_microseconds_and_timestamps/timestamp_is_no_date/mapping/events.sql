SELECT e._id AS id, as_date(e.op) AS at, e.at AS ms FROM events AS e
