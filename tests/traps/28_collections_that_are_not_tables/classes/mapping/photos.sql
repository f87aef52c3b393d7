SELECT f._id AS id, f.filename AS name, f.length AS length FROM "photos.files" AS f
