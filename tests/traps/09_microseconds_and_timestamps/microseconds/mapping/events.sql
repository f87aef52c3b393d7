SELECT e._id AS id, e.at AS at FROM events AS e
