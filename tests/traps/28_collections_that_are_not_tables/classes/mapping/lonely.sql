SELECT f._id AS id FROM "lonely.files" AS f
