SELECT c.files_id AS photo_id, c.n AS n, c.data AS data FROM "photos.chunks" AS c
