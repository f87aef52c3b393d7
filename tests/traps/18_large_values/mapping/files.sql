SELECT uuid_of(f._id) AS id, f.filename AS name, f.length AS length, f.chunkSize AS chunk_size, f.uploadDate AS uploaded_at
FROM   "fs.files" AS f
