SELECT e._id AS id, e.at AS seconds FROM events AS e
