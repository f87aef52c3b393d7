SELECT e._id AS id, parse_date(e.at) AS at, epoch_s_date(e.made) AS made, epoch_ms_date(e.seen) AS seen FROM events AS e
