SELECT g._id AS id, g.booking AS booking_id FROM guests AS g
