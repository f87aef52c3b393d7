SELECT b._id AS id, b.room AS room, b.days AS days, b.code AS code FROM bookings AS b
