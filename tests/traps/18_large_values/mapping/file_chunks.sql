SELECT uuid_of(c.files_id) AS file_id, c.n AS n, c.data AS data FROM "fs.chunks" AS c
