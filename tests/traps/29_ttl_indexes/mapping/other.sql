SELECT o._id AS id FROM other AS o
