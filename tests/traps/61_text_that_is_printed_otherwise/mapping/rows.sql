SELECT r._id AS id, r.span AS span, r.days AS days, r.mac AS mac, r.six AS six, r.box AS box FROM rows AS r
