SELECT l._id AS id FROM lists AS l
