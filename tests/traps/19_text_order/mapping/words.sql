SELECT w._id AS word FROM words AS w
