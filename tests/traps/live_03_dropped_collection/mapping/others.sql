SELECT o._id AS id, o.name AS name FROM others AS o
