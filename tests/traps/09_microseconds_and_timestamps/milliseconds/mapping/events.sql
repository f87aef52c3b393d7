SELECT e._id AS id, e.at AS ms FROM events AS e
