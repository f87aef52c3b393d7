SELECT l._id AS id, l.line AS line FROM log AS l
