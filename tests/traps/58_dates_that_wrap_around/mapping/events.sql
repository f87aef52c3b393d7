SELECT e._id AS id, e.at AS at, e.at AS local FROM events AS e
